"""The commented file that `gateway init` writes; it loads as it stands."""

EXAMPLE = """\
# Settings of the SP-API event gateway. Every key is optional; what is commented out shows its
# default or an example. Each can also be given as an environment variable: SPGW_ + table + __ + key
# (SPGW_STORE__URL), lists and tables as JSON. Each secret key x also takes x_file, the path of a
# file that holds it. `gateway config show` lists what holds, and where it came from.

[store]
# A file for one process, or a database that many processes share.
url = "sqlite:///gateway.db"
# url = "postgresql://gateway:password@db.example:5432/gateway"
# url_file = "/run/secrets/database_url"
# pool_size = 10             # connections to PostgreSQL of one process

# The SQS queues that Amazon's notifications arrive in: standard queues, not FIFO.
# AWS credentials come from AWS's own chain (environment, profile, role).
# [[queues]]
# url = "https://sqs.eu-west-1.amazonaws.com/123456789012/spapi-notifications"
# region = "eu-west-1"       # read from the URL where it is left out
# endpoint_url = "http://127.0.0.1:9324"   # another SQS, such as a local one
# concurrency = 4            # long polls open at once
# wait_s = 20
# visibility_s = 120
# adapter = "lean"           # or "botocore"

# Your SP-API applications, as in Amazon's developer console.
# [[applications]]
# id = "main"
# client_id = "amzn1.application-oa2-client.…"
# client_secret_file = "/run/secrets/client_secret"
# copy_secret_to = "spapi/client-secret"   # in AWS Secrets Manager, once Amazon has replaced it
# solution_id = "amzn1.sp.solution.…"      # needed for sellers to authorise it
# draft = false              # authorised with version=beta
# vendor = false             # at Vendor Central

# One table for each authorisation: a selling partner and a region.
# [[sellers]]
# id = "A2EXAMPLESELLER"     # Amazon's selling partner id, as in payloads
# application = "main"
# region = "eu"              # "na", "eu" or "fe"
# refresh_token_file = "/run/secrets/refresh_token"
# marketplaces = ["A1PA6795UKMFR9"]
# subscription_ids = []      # for notification types that carry no seller
# tags = ["gold"]            # words to choose sellers by
# authorised_on = 2026-01-31 # warns before its end after 365 days

# How sellers authorise your applications: `gateway sellers authorize` prints a link.
[onboarding]
# public_url = "https://gateway.example"   # how browsers reach the admin port's /oauth/…
# open = false               # or sellers may come without a link
# done_url = "https://app.example/connected"   # where browsers go at the end
# consent_url = "http://127.0.0.1:9324"    # a local SP-API in place of Seller Central
# state_ttl_s = 1800
# link_ttl_s = 604800
# check_every_s = 86400      # how often Amazon is asked where each seller sells; 0 for never

# Where Amazon is to send notifications. `gateway subscriptions apply` makes what is missing.
# [[destinations]]
# name = "main"
# arn = "arn:aws:sqs:eu-west-1:123456789012:spapi-notifications"
# aws_region = "us-east-1"   # or an event bus, with the account
# aws_account = "123456789012"
# application = "main"       # for all unless given
# region = "eu"              # in all unless given

# What is to come, of whom: `gateway subscriptions plan` shows what that would change.
# [[subscriptions]]
# type = "ORDER_CHANGE"      # or a list, or "all"
# sellers = "*"              # or ids
# tags = ["gold"]            # with one of these; all unless given
# filter = { order_change_types = ["OrderStatusChange", "BuyerRequestedChange"] }
# destination = "main"
# application = "main"       # of all unless given
# region = "eu"              # in all unless given
# filter_expression = "OrderChangeNotification.OrderChangeType == 'OrderStatusChange'"
# payload_version = "1.0"
# silent_after_s = 3600      # an alarm when nothing comes of any seller for so long
# seller_silent_after_s = 259200   # the same of a single seller

[reconcile]
# every_s = 3600             # how often a running gateway looks; 0 for never
# apply = true               # or only tell of what differs
# concurrency = 8

[spapi]
# endpoint = "https://sandbox.sellingpartnerapi-eu.amazon.com"   # one address for all regions
# endpoints = { na = "https://sellingpartnerapi-na.amazon.com" } # or for some
# lwa_endpoint = "https://api.amazon.com/auth/o2/token"
# timeout_s = 30
# document_max_bytes = 4294967296   # unpacked; a larger report or export is refused

# A plan set here wins over the built-in one and over Amazon's header.
[spapi.usage_plans]
# getOrder = { rate = 0.5, burst = 30 }

[handlers]
# Modules, module:attribute, or entry points of the group gateway.handlers.
modules = ["handlers"]

# A table under handlers is handed to the handler that it names.
# [handlers.order_change]

[dispatch]
# concurrency = 64           # handlers that run at once
# timeout_s = 60
# lease_s = 120              # longer than timeout_s
# schedule = [0, 5, 30, 300, 1800, 7200, 18000, 43200]   # seconds before each run
# once_days = 60             # how long `once` of a handler holds
# memory_days = 180

# Jobs that start by themselves, for each seller.
# [[schedules]]
# name = "invoices"
# job = "invoices_export"
# cron = "30 3 * * *"        # or every_s = 3600
# time_zone = "America/Sao_Paulo"
# sellers = []               # all that are not paused
# jitter_s = 600             # spreads them
# options = { days = 1 }

# Amazon promises no delivery: look for what it never told, and make up for it.
[sweep]
# types = ["ORDER_CHANGE"]   # REPORT_PROCESSING_FINISHED, FEED_PROCESSING_FINISHED
# every_s = 3600
# first_s = 86400
# grace_s = 300
# overlap_s = 600
# report_types = []          # needed to sweep reports
# feed_types = []

# What is kept, and for how many days; what has not ended is always kept.
[retention]
# enabled = true
# every_s = 3600
# message_days = 30          # as Amazon sent them; what a replay needs
# payload_days = 30          # bodies of events; what a redelivery needs
# personal_data_days = 30    # whatever may hold some, if its own days are more
# impersonal_types = []      # types that never do: ["ANY_OFFER_CHANGED", "offer.changed"]
# attempt_days = 30
# metadata_days = 90         # handlings, events, deliveries, without what they held
# deduplication_days = 60    # by which a repeated notification is known; 29 or more
# quarantine_days = 30
# audit_days = 400
# rewrite_mb = 256           # a SQLite file up to this size is rewritten after an erasure

[delivery]
# allow_http = false
# allow_private_cidrs = []   # networks the address guard lets through: ["10.0.0.0/8"]
# allowed_ports = [80, 443]  # ports, or ranges such as "8000-8999"
# timeout_s = 15
# schedule = [0, 5, 300, 1800, 7200, 18000, 36000, 50400, 72000, 86400]
# concurrency = 256
# lease_s = 60               # longer than timeout_s
# pull_days = 30             # how long events wait to be pulled
# disable_after_days = 5     # without a success; 0 for never
# ca_file = "/etc/ssl/own-ca.pem"
# proxy_url = "http://proxy.internal:3128"
# transport = "lean"         # or "aiohttp"

[documents]
# Reports and exports that events link to. `gateway run` serves the links on the admin port.
# url = "folder:/var/lib/gateway/documents"   # or "s3://my-bucket/prefix"
# region = "eu-west-1"
# endpoint_url = "http://127.0.0.1:9000"   # another S3, such as a local one
# public_url = "https://gateway.example"   # how receivers reach the admin port
# link_ttl_s = 604800
# retention_days = 30

[archive]
# Every notification in files of its own, by day and type, as it comes; off unless a url is set.
# url = "s3://my-bucket/archive"   # or "folder:/var/lib/gateway/archive"
# region = "eu-west-1"
# endpoint_url = "http://127.0.0.1:9000"   # another S3, such as a local one
# compression = "zstd"       # or "gzip", "none"
# plain = false              # bodies are sealed with the key ring
# every_s = 300

[admin]
# host = "127.0.0.1"
# port = 8787                # /healthz, /readyz and /metrics need no key, /v1 does
# rate_per_s = 50            # requests of one API key
# burst = 200

[service]
# drain_s = 25

[sealing]
# The keys that secrets are sealed with. On SQLite made beside the database where it is left out;
# on PostgreSQL needed: `gateway db create-keys` makes it. Back it up apart from the database.
# keys_file = "/etc/gateway/keys.json"

[logging]
# level = "info"             # debug, info, warning, error
# format = "json"            # or "console"

[doctor]
# time_limit_s = 30          # of one check
# sellers = 50               # so many are asked about at Amazon
# low_bytes = 2147483648     # less room than this on a disk is told of
# full_bytes = 268435456     # less counts as full
"""
