"""Which recorded traffic can be played against a running connector, and how?"""
