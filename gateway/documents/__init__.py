"""Stored documents: what handlers download is kept here, and linked to by URLs that expire.

library    the documents: put, find, read, link, expire
shelf      what one handling sees of it: `ctx.documents`
links      tokens that name a document until a time
blobs      what a backend must do
folder     documents as files
s3         documents as objects of a bucket
sealed     how a document is sealed, piece by piece
"""
