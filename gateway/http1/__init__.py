"""A lean HTTP/1.1 client: requests written at once, answers read by llhttp, connections kept.

It never decides where a connection may lead (its user's dialler does), how long anything may take
(the caller cancels) or what a status means. No redirects, cookies, proxies or decompression.
"""
