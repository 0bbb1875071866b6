-- Which words log lines hold. The planner does not use what it knows of a partial index, and so took every word to be in one of
-- fifty lines: for a rare one it then read all lines from the newest on instead of looking it up.
create statistics execution_logs_words on search_words(text) from execution_logs;
