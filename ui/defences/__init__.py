"""The Defences page: what defences are worth, against attacks that know them."""
