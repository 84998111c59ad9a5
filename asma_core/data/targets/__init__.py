"""What an attacker would draw: shapes, scenarios, deformations, regions."""
