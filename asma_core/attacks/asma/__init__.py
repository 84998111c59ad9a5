"""ASMA and its ablations SSM, SSM + DPM and ASM: the paper's attack, in one room."""
