"""One small endpoint, written four times: a body of three fields, checked, and a reply that says so.

Ours and Powertools' write a line and two metrics a request, as the product does; the others only answer.
"""
