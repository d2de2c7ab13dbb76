"""Archives: notifications kept outside the database, in files or in S3, verified line by line.

lines        one notification as one line, its place in the file proven
compression  how lines are packed, and unpacked in bounded memory
manifest     what an archive holds: its parts, counts and checksums
parts        a part as it is written, and as it is read again
places       where parts lie: a folder, or a prefix of a bucket
source       the archives at a place
exporting    from the store into an archive, gone on with after a kill
importing    from an archive into the store
erasing      lines of one person taken out
continuous   everything that comes in, by day and type, as it comes
"""
