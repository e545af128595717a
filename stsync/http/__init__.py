"""One way of talking to a remote system, shared by both clients.

what came back                        a read                          a write
2xx with JSON (or 204)                the answer                      the answer
2xx unreadable, cut short, too slow   repeated, then unavailable      OutcomeUnknown
never connected, 429                  repeated, then unavailable      repeated, then NotProcessed
408, 5xx, deadlock                    repeated, then unavailable      OutcomeUnknown
3xx                                   unavailable                     OutcomeUnknown
401                                   renewed once, then CredentialsError (both)
403                                   CredentialsError (both)
any other 4xx, 501                    Refused                         Refused (OutcomeUnknown without an envelope)
"""
