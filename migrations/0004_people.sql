-- Which tools' calls wait for a person, or are refused; a tool that is not named runs at once.
alter table episodes add column approvals jsonb not null default '{}';
