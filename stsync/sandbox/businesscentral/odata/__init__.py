"""OData as Business Central speaks it: filters, query options, payloads, rendering, paging."""
