"""Amazon's documents: reports, feeds, Data Kiosk results and invoices, as streams.

They lie behind pre-signed URLs that die within 30 seconds or 5 minutes, on a host that must never
see an access token. What comes out is unpacked, text in UTF-8, counted and hashed on the way, and
at no time whole in memory.

    calls      what a handler holds: `ctx.spapi.documents`
    document   one document as a stream of bytes
    archive    a ZIP and its members
    host       HTTP with the document host
    gunzip     GZIP, piece by piece
    text       from a document's charset to UTF-8
    limits     how large a document may become
    spool      a file without a name
"""
