"""States of texts that were read before: a prompt that begins like one of them is not read from its beginning.

A state knows a text up to one token, exactly, and is small.  So states are kept at single tokens, in a tree of all
texts that were seen: at the ends of prompts and of answers, where the caller says that a message ends, and where a
second text was seen to leave the first.

    edge      the tokens from one node to the next
    node      a place where texts part or end; it may have a state, in memory or in a file

The least recently used states go when the budget is used up: to the disk, where there is a folder for them.
"""

from __future__ import annotations

import logging
from collections import Counter, OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from rfa_runtime.engine.disk_tier import DiskTier
from rfa_runtime.session.state import State

LOG = logging.getLogger(__name__)
TOKEN_BYTES = 32
"""Of a token in the tree: a number of Python's, and its place in an edge."""
TOKEN_SHARE = 8
"""One part of the budget may be tokens."""
WORTH_A_STATE = 16
"""Tokens: where texts have fewer in common behind the last state, reading them again costs less than a state."""

HIT = "hit"
HIT_ON_DISK = "hit on the disk"
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
    file: Path | None = None
    """Of its state, on the disk."""

    @property
    def path(self) -> list[int]:
        """All tokens that lead here."""
        edges = []
        node: Node | None = self
        while node is not None:
            edges.append(node.edge)
            node = node.parent
        return [token for edge in reversed(edges) for token in edge]


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
    """A hit, or why there is no state."""


class PrefixCache:
    """States by the tokens that they have read.  One thread at a time may use it."""

    def __init__(self, budget_bytes: int, disk: DiskTier | None = None) -> None:
        """budget_bytes: for states and tokens; 0 keeps nothing.  disk: where states go that have no room."""
        self.budget_bytes = budget_bytes
        self.disk = disk
        self._state_bytes = 0
        self._token_bytes = 0
        self.outcomes = Counter[str]()
        """How often which reason was given."""
        self._root = Node((), None)
        self._states = OrderedDict[Node, None]()
        """Nodes with a state, the least recently used first."""
        self._leaves = OrderedDict[Node, None]()
        """Nodes that lead nowhere and have no state, the oldest first: what is known of texts whose states are gone."""
        self._files = OrderedDict[Path, Node]()
        """Nodes with a file."""
        if disk is not None:
            for ids, file in disk.known():
                self._note_file(self._node(tuple(ids)), file)
            self._make_room()

    def find(self, ids: Sequence[int]) -> Found:
        """Look up the longest beginning of a text that a state has read.

        A state that has read all of it serves where it knows the logits.
        """
        path = self._path(ids)
        common = sum(shared for _, _, shared in path)
        tokens = 0
        state = None
        reason = NO_STATE if common >= WORTH_A_STATE else UNKNOWN
        for node, depth, shared in reversed(path):
            if shared < len(node.edge):
                continue
            if node.had_state:
                reason = EVICTED
            state, hit = self._recall(node)
            if state is not None and (depth < len(ids) or state.logits is not None):
                tokens = depth
                reason = hit
                break
            state = None
        self.outcomes[reason] += 1
        LOG.debug("%s: %d of %d tokens", reason, tokens, len(ids))
        branch = common if common - tokens >= WORTH_A_STATE and common < len(ids) else 0
        return Found(tokens, state, branch, reason)

    def keep(self, ids: Sequence[int], state: State) -> None:
        """Keep the state that has read these tokens.  It belongs to the cache from here on."""
        if ids and state_bytes(state) <= self.budget_bytes:
            self._hold(self._node(tuple(ids)), state)

    def close(self) -> None:
        """Put all states on the disk, where there is one: the next cache finds them."""
        if self.disk is not None:
            for node in list(self._states):
                self._put_away(node)

    def _recall(self, node: Node) -> tuple[State | None, str]:
        """The state of a node, wherever it is, and what such a hit is called."""
        if node.state is not None:
            self._states.move_to_end(node)
            return node.state, HIT
        if node.file is None or self.disk is None:
            return None, ""
        state = self.disk.read(node.file, node.path)
        if state is None:
            self._forget_file(node.file)
        else:
            self._hold(node, state)
        return state, HIT_ON_DISK

    def _hold(self, node: Node, state: State) -> None:
        """Keep a state in memory, and make room for it."""
        self._drop_state(node)
        self._leaves.pop(node, None)
        node.state = state
        node.had_state = True
        self._state_bytes += state_bytes(state)
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
            self._put_away(next(iter(self._states)))
        while self._token_bytes > self.budget_bytes // TOKEN_SHARE and (self._leaves or self._files):
            if not self._leaves:
                self._forget_file(next(iter(self._files)))
                continue
            node, _ = self._leaves.popitem(last=False)
            self._prune(node)

    @property
    def bytes(self) -> int:
        """In use, for states and tokens."""
        return self._state_bytes + self._token_bytes

    def _put_away(self, node: Node) -> None:
        """Take a state out of memory: to the disk, where there is one and the state is not there yet."""
        if self.disk is not None and node.file is None and node.state is not None:
            file, gone = self.disk.write(node.path, node.state)
            if file is not None:
                self._note_file(node, file)
            for other in gone:
                self._forget_file(other)
        self._drop_state(node)

    def _note_file(self, node: Node, file: Path) -> None:
        """Take note of where the state of a node lies on the disk."""
        node.file = file
        node.had_state = True
        self._files[file] = node
        self._leaves.pop(node, None)

    def _forget_file(self, file: Path) -> None:
        """A file is gone, or has to go."""
        node = self._files.pop(file)
        node.file = None
        if self.disk is not None:
            self.disk.remove(file)
        self._note_leaf(node)

    def _drop_state(self, node: Node) -> None:
        if node.state is not None:
            self._state_bytes -= state_bytes(node.state)
            node.state = None
            del self._states[node]
            self._note_leaf(node)

    def _note_leaf(self, node: Node) -> None:
        """Take note of a node that leads nowhere and has no state: it may go when there is no room."""
        if node.parent is not None and not node.children and node.state is None and node.file is None:
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
