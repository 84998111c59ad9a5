"""The target editor: canvas, tools, shapes, undo, drafts."""
