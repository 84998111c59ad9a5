"""Images, masks, data sets and the shapes an attacker would draw. Uses nothing else of ours."""
