"""States of texts that were read before: a prompt that begins like one of them is not read from its beginning.

A state knows a text up to one token, exactly, and is small.  So states are kept at single tokens, in a tree of all
texts that were seen: at the ends of prompts and of answers, where the caller says that a message ends, and where a
second text was seen to leave the first.

    edge      the tokens from one node to the next
    node      a place where texts part or end; it may have a state

The least recently used states go when the budget is used up.
"""

from __future__ import annotations

import logging
from collections import Counter, OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field

from rfa_runtime.session.state import State

LOG = logging.getLogger(__name__)
TOKEN_BYTES = 32
"""Of a token in the tree: a number of Python's, and its place in an edge."""
TOKEN_SHARE = 8
"""One part of the budget may be tokens."""
WORTH_A_STATE = 16
"""Tokens: where texts have fewer in common behind the last state, reading them again costs less than a state."""

HIT = "hit"
UNKNOWN = "no text began like it"
EVICTED = "its state made room for others"
NO_STATE = "no state was kept where the texts part"


@dataclass(eq=False)
class Node:
    """A place in the tree."""

    edge: tuple[int, ...]
    """The tokens that lead here from the parent."""
    parent: Node | None
    children: dict[int, Node] = field(default_factory=dict)
    """By the first token of their edges."""
    state: State | None = None
    had_state: bool = False
    """Whether there was one."""


@dataclass(frozen=True)
class Found:
    """What is known of the beginning of a text."""

    tokens: int
    """Tokens that need not be read; 0 where there is no state."""
    state: State | None
    """It has read them.  It belongs to the cache: copy it before a step."""
    branch: int
    """Tokens after which a state should be kept, as other texts go on from there, too; 0 for none."""
    reason: str
    """`hit`, or why there is no state."""


class PrefixCache:
    """States by the tokens that they have read.  One thread at a time may use it."""

    def __init__(self, budget_bytes: int) -> None:
        """budget_bytes: for states and tokens; 0 keeps nothing."""
        self.budget_bytes = budget_bytes
        self._state_bytes = 0
        self._token_bytes = 0
        self.outcomes = Counter[str]()
        """How often which reason was given."""
        self._root = Node((), None)
        self._states = OrderedDict[Node, None]()
        """Nodes with a state, the least recently used first."""
        self._leaves = OrderedDict[Node, None]()
        """Nodes that lead nowhere and have no state, the oldest first: what is known of texts whose states are gone."""

    def find(self, ids: Sequence[int]) -> Found:
        """Look up the longest beginning of a text that a state has read.

        A state that has read all of it serves where it knows the logits.
        """
        node = self._root
        depth = common = tokens = 0
        best: Node | None = None
        reason = UNKNOWN
        for node, depth, shared in self._path(ids):
            common = depth - len(node.edge) + shared
            if shared < len(node.edge):
                break
            if node.state is not None and (depth < len(ids) or node.state.logits is not None):
                best, tokens = node, depth
            elif node.had_state:
                reason = EVICTED
        if best is not None:
            self._states.move_to_end(best)
            reason = HIT
        elif common >= WORTH_A_STATE and reason == UNKNOWN:
            reason = NO_STATE
        self.outcomes[reason] += 1
        LOG.debug("%s: %d of %d tokens", reason, tokens, len(ids))
        branch = common if common - tokens >= WORTH_A_STATE and common < len(ids) else 0
        return Found(tokens, None if best is None else best.state, branch, reason)

    def keep(self, ids: Sequence[int], state: State) -> None:
        """Keep the state that has read these tokens.  It belongs to the cache from here on."""
        size = state_bytes(state)
        if not ids or size > self.budget_bytes:
            return
        node = self._node(tuple(ids))
        self._drop_state(node)
        self._leaves.pop(node, None)
        node.state = state
        node.had_state = True
        self._state_bytes += size
        self._states[node] = None
        self._make_room()

    def _path(self, ids: Sequence[int]) -> list[tuple[Node, int, int]]:
        """The nodes that a text leads to: each with its depth in tokens, and how much of its edge the text has."""
        found = []
        node = self._root
        depth = 0
        while depth < len(ids):
            child = node.children.get(ids[depth])
            if child is None:
                break
            shared = common_length(child.edge, ids[depth : depth + len(child.edge)])
            depth += len(child.edge)
            found.append((child, depth, shared))
            if shared < len(child.edge):
                break
            node = child
        return found

    def _node(self, ids: tuple[int, ...]) -> Node:
        """The node of a text, made where it is not there."""
        node = self._root
        depth = 0
        for child, end, shared in self._path(ids):
            if shared < len(child.edge):
                node = self._split(child, shared)
                depth += shared
                break
            node, depth = child, end
        if depth == len(ids):
            return node
        leaf = Node(ids[depth:], node)
        node.children[ids[depth]] = leaf
        self._leaves.pop(node, None)  # it leads on now
        self._token_bytes += TOKEN_BYTES * len(leaf.edge)
        return leaf

    def _split(self, child: Node, shared: int) -> Node:
        """Put a node into the edge of another, after so many of its tokens."""
        assert child.parent is not None
        middle = Node(child.edge[:shared], child.parent)
        child.parent.children[child.edge[0]] = middle
        child.edge = child.edge[shared:]
        child.parent = middle
        middle.children[child.edge[0]] = child
        return middle

    def _make_room(self) -> None:
        """Let what was not used for longest go until the budget holds: states first, and then what texts they had."""
        while self.bytes > self.budget_bytes and self._states:
            self._drop_state(next(iter(self._states)))
        while self._token_bytes > self.budget_bytes // TOKEN_SHARE and self._leaves:
            node, _ = self._leaves.popitem(last=False)
            self._prune(node)

    @property
    def bytes(self) -> int:
        """In use, for states and tokens."""
        return self._state_bytes + self._token_bytes

    def _drop_state(self, node: Node) -> None:
        if node.state is not None:
            self._state_bytes -= state_bytes(node.state)
            node.state = None
            del self._states[node]
            self._note_leaf(node)

    def _note_leaf(self, node: Node) -> None:
        """Take note of a node that leads nowhere and has no state: it may go when there is no room."""
        if node.parent is not None and not node.children and node.state is None:
            self._leaves[node] = None

    def _prune(self, node: Node) -> None:
        """Take away a node that leads nowhere and has no state; the one above may be the next to go."""
        assert node.parent is not None
        del node.parent.children[node.edge[0]]
        self._token_bytes -= TOKEN_BYTES * len(node.edge)
        self._note_leaf(node.parent)


def common_length(first: Sequence[int], second: Sequence[int]) -> int:
    """How many tokens two texts have in common from their beginnings."""
    count = 0
    for one, other in zip(first, second, strict=False):
        if one != other:
            break
        count += 1
    return count


def state_bytes(state: State) -> int:
    """What a state takes: its tensors and its logits."""
    return state.nbytes + (0 if state.logits is None else state.logits.nbytes)
