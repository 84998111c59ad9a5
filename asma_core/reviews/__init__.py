"""Reviews: what people say of runs, asked blind, and what it comes to."""
