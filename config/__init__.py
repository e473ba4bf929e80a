"""Data only: example settings, the demo and its recorded cycles. A package so that they are installed too."""
