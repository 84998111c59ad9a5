"""The Transfer page: attacks on one network, shown to others."""
