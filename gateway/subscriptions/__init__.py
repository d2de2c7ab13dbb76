"""Amazon's side kept as declared: destinations, and who gets which notification type where.

`declaration` and `rules` say what may be declared, `desired` what that means for each seller,
`plan` what must be done about the difference. `amazon` asks and does it, `reconciling` goes through
all sellers, `reconciler` repeats that in the service.
"""
