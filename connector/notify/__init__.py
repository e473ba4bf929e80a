"""Who is told what, and how? Prompts, holds, announcements, trouble; by mail and webhook (R18, R27)."""
