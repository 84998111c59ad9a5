"""What the server does beside the pages: who may ask, what goes on, how it is watched."""
