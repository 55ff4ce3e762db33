"""From a recipe to a checkpoint, whatever the task."""
