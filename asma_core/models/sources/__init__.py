"""Where networks come from: cards, architectures, weights, programs."""
