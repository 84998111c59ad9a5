"""Bytes to arrays: pictures, DICOM, NIfTI, outline files, archives, folders."""
