"""From ids to ids to text."""
