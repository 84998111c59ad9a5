"""Speed and quality, measured by commands that anybody can run again."""
