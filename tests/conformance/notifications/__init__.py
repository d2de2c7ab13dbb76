"""The payload models against Amazon's own schemas: their examples, and random instances of them.

`SPAPI_MODELS=DIR make conformance` runs it on any checkout; none of Amazon's files is part of the
project. Each body is read in every casing and every wrapping.

    schemas   finds the schemas of a checkout, and mends what would accept or refuse everything
    instances random bodies that a schema accepts
    judge     what must be true of a body that Amazon calls right; pure
    run       examples and random instances, schema by schema
"""
