"""The queue, the worker processes, and predictions on demand."""
