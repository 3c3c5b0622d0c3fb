"""Records in, matplotlib figures out: one file a subject, one function a figure of the book.  No torch.

Every function returns a closed figure, so that a notebook shows it once.
"""
