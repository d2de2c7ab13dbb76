"""The SP-API event gateway: what handler authors import (filled in by `gateway.handling`)."""
