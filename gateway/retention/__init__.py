"""What is too old goes, a little at a time; and what somebody may ask to have erased.

rules     how long each kind is kept, as a list of walks with their ends
pacing    how large the next batch is, and how long to rest after it
running   one run through all walks, in small batches
plan      what a run would do now
asking    making an erasure
erasing   runs erasures, place by place
finding   what of a page is about somebody
subject   whether a text mentions somebody
"""
