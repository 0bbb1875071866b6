-- Every move of an item from state to state rewrites its entries in all indexes. One instead of two says what waits, by state
-- and age: the oldest pending items are its beginning, not what is left of a walk over everything that is under way.
create index trace_outbox_waiting on trace_outbox (state, created_at, span_id) where state <> 'confirmed';
drop index trace_outbox_undelivered;
drop index trace_outbox_due;
