"""How sellers come: they authorise an application, and Amazon is asked what that is good for.

consoles    where sellers consent, and which addresses are Amazon's
tickets     links and states: sealed, short-lived, nobody else can make them
flow        from the link to the refresh token, step by step
lookout     where a seller sells, and whether the region is right
chores      new sellers checked, ends of authorisations told of
"""
