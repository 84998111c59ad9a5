"""What every page uses: services, errors, formats, values, uploads."""
