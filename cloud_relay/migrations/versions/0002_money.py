"""Money guards in the database itself: transfers, postings and seals only grow; the view `violations` must be empty."""

from alembic import op

revision = "0002"
down_revision = "0001"

APPEND_ONLY = ("posting", "seal", "rebate_switch", "rebate_batch", "rebate_payment")
"""Tables whose rows are never changed; a transfer may be sealed once and is otherwise the same."""

SQLITE_TRANSFER = (
    """CREATE TRIGGER transfer_changed BEFORE UPDATE ON transfer
    WHEN OLD.sealed_in IS NOT NULL OR NEW.sealed_in IS NULL OR NEW.reference <> OLD.reference OR NEW.kind <> OLD.kind
      OR NEW.order_id IS NOT OLD.order_id OR NEW.created_at <> OLD.created_at
    BEGIN SELECT RAISE(ABORT, 'transfer: money is inserted, never updated'); END""",
    """CREATE TRIGGER transfer_deleted BEFORE DELETE ON transfer
    BEGIN SELECT RAISE(ABORT, 'transfer: money is inserted, never deleted'); END""",
)
POSTGRES_FUNCTIONS = (
    """CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN RAISE EXCEPTION '%: money is inserted, never changed', TG_TABLE_NAME; END $$""",
    """CREATE TRIGGER transfer_changed BEFORE UPDATE ON transfer FOR EACH ROW
    WHEN (OLD.sealed_in IS NOT NULL OR NEW.sealed_in IS NULL OR NEW.reference <> OLD.reference OR NEW.kind <> OLD.kind
      OR NEW.order_id IS DISTINCT FROM OLD.order_id OR NEW.created_at <> OLD.created_at)
    EXECUTE FUNCTION refuse_change()""",
    "CREATE TRIGGER transfer_deleted BEFORE DELETE ON transfer FOR EACH ROW EXECUTE FUNCTION refuse_change()",
)

HELD_STATES = "'pledged', 'paid', 'photo_offered', 'confirmed', 'handed_over', 'delivered', 'disputed', 'cancelling'"
FINAL_STATES = "'released', 'cancelled', 'expired', 'refunded', 'charged_back'"

ID_LENGTH = 30
"""Characters of an id: its prefix of three, `_` and 26 of base 32 (wire.values.new_id)."""

VIOLATIONS = f"""CREATE VIEW violations AS
WITH entry AS (
  SELECT credit AS account, currency, amount_minor AS amount FROM posting
  UNION ALL SELECT debit, currency, -amount_minor FROM posting
), ledger_balance AS (
  SELECT account, currency, SUM(amount) AS amount FROM entry GROUP BY account, currency
), pending AS (
  SELECT order_id, SUM(amount_minor) AS amount FROM payment
  WHERE kind = 'refund' AND state = 'started' GROUP BY order_id
), held AS (
  SELECT o.order_id, CASE WHEN o.state IN ({HELD_STATES}) THEN o.total_minor ELSE 0 END + COALESCE(p.amount, 0) AS due,
    COALESCE(e.amount, 0) + COALESCE(d.amount, 0) AS amount, COALESCE(d.amount, 0) AS disputed, o.state
  FROM orders o LEFT JOIN pending p ON p.order_id = o.order_id
  LEFT JOIN ledger_balance e ON e.account = 'escrow:' || o.order_id AND e.currency = o.currency
  LEFT JOIN ledger_balance d ON d.account = 'dispute:' || o.order_id AND d.currency = o.currency
), kept_sale AS (
  SELECT s.sale_id, s.merchant_id, s.currency, s.commission_minor + s.tax_minor AS share
  FROM counter_sale s LEFT JOIN counter_refund r ON r.sale_id = s.sale_id WHERE r.sale_id IS NULL
), captured AS (
  SELECT t.order_id,
    SUM(CASE WHEN p.debit LIKE 'psp:%' THEN p.amount_minor ELSE 0 END) AS taken,
    SUM(CASE WHEN p.credit LIKE 'psp:%' THEN p.amount_minor ELSE 0 END) AS given_back
  FROM transfer t JOIN posting p ON p.reference = t.reference
  WHERE t.kind IN ('hold', 'refund') GROUP BY t.order_id
)
SELECT 'M1 transfer without posting' AS rule, t.reference AS subject, '' AS detail
  FROM transfer t LEFT JOIN posting p ON p.reference = t.reference WHERE p.reference IS NULL
UNION ALL SELECT 'M1 two currencies in one transfer', reference, ''
  FROM posting GROUP BY reference HAVING COUNT(DISTINCT currency) > 1
UNION ALL SELECT 'M5 held money is not what the order says', order_id,
    CAST(amount AS TEXT) || ' not ' || CAST(due AS TEXT)
  FROM held WHERE amount <> due
UNION ALL SELECT 'M6 released before it was handed over', o.order_id, t.reference
  FROM transfer t JOIN orders o ON o.order_id = t.order_id WHERE t.kind = 'release' AND o.handed_over_at IS NULL
UNION ALL SELECT 'M6 disputed money of an order without dispute', order_id, CAST(disputed AS TEXT)
  FROM held WHERE disputed <> 0 AND state <> 'disputed'
UNION ALL SELECT 'M7 refunded more than was taken', order_id, CAST(given_back AS TEXT) || ' of ' || CAST(taken AS TEXT)
  FROM captured WHERE given_back > taken
UNION ALL SELECT 'M11 payment without its transfer', y.payment_id, y.kind
  FROM payment y LEFT JOIN transfer t
    ON t.reference = CASE WHEN y.kind = 'refund' THEN 'refund:' ELSE 'hold:' END || y.payment_id
  WHERE (y.state = 'succeeded' AND t.reference IS NULL) OR (y.state <> 'succeeded' AND t.reference IS NOT NULL)
UNION ALL SELECT 'M15 ledger account below zero', account, CAST(amount AS TEXT)
  FROM ledger_balance WHERE amount < 0 AND account NOT LIKE 'psp:%' AND account NOT LIKE 'till:%'
    AND account NOT LIKE 'due:%' AND account <> 'loss'
UNION ALL SELECT 'M16 counter sale without its transfer', s.sale_id, s.shop_id
  FROM counter_sale s LEFT JOIN transfer t ON t.reference = 'counter:' || s.sale_id WHERE t.reference IS NULL
UNION ALL SELECT 'M16 counter refund without its transfer', r.sale_id, r.refund_id
  FROM counter_refund r LEFT JOIN transfer t ON t.reference = 'counter_refund:' || r.sale_id WHERE t.reference IS NULL
UNION ALL SELECT 'M17 joint payment settled in part', joint_id, CAST(COUNT(*) AS TEXT)
  FROM payment WHERE joint_id IS NOT NULL AND kind = 'charge' GROUP BY joint_id HAVING COUNT(DISTINCT state) > 1
UNION ALL SELECT 'R1 more fed than its commission', f.source, CAST(f.amount_minor AS TEXT)
  FROM rebate_feed f LEFT JOIN posting p ON p.reference = f.source AND p.credit || '' = 'fees:' || f.market
  WHERE f.state <> 'dropped' AND (p.amount_minor IS NULL OR f.amount_minor > p.amount_minor)
UNION ALL SELECT 'R2 pot fed with more or less than its commissions say', COALESCE(t.reference, ''), ''
  FROM (SELECT 'rebate_fed:' || batch_id AS reference, SUM(amount_minor) AS amount FROM rebate_feed
        WHERE batch_id IS NOT NULL GROUP BY batch_id) f
  FULL OUTER JOIN (SELECT p.reference, SUM(p.amount_minor) AS amount FROM posting p
        WHERE p.credit LIKE 'pot:%' AND p.debit NOT LIKE 'rebate:%' GROUP BY p.reference) t
    ON t.reference = f.reference
  WHERE t.amount IS NULL OR f.amount IS NULL OR t.amount <> f.amount
UNION ALL SELECT 'R3 rebate at or above its cap or price', ticket_id, CAST(paid_minor AS TEXT)
  FROM rebate_ticket WHERE cap_minor >= price_minor OR paid_minor > cap_minor OR returned_minor > paid_minor
    OR (state = 'full') <> (paid_minor = cap_minor AND state <> 'refunded')
UNION ALL SELECT 'R4 paid out of turn', t.ticket_id, CAST(t.queue_no AS TEXT)
  FROM rebate_ticket t JOIN (SELECT market, currency, MAX(queue_no) AS last FROM rebate_ticket
                             WHERE paid_minor > 0 GROUP BY market, currency) m
    ON m.market = t.market AND m.currency = t.currency
  WHERE t.state = 'waiting' AND t.queue_no < m.last
UNION ALL SELECT 'R5 ticket and settlements differ', t.ticket_id, CAST(t.paid_minor AS TEXT)
  FROM rebate_ticket t LEFT JOIN (SELECT ticket_id, SUM(amount_minor) AS amount FROM rebate_payment
                                  GROUP BY ticket_id) p ON p.ticket_id = t.ticket_id
  WHERE t.paid_minor <> COALESCE(p.amount, 0)
UNION ALL SELECT 'R6 settlement and ledger differ', b.batch_id, CAST(b.paid_minor AS TEXT)
  FROM rebate_batch b LEFT JOIN (SELECT reference, SUM(amount_minor) AS amount FROM posting
                                 WHERE debit LIKE 'pot:%' AND credit LIKE 'rebate:%' GROUP BY reference) p
    ON p.reference = 'rebate_paid:' || b.batch_id
  WHERE b.paid_minor <> COALESCE(p.amount, 0) OR b.paid_minor > b.pot_before_minor
UNION ALL SELECT 'R6 paid to another than the ticket is of', COALESCE(y.reference, p.reference),
    COALESCE(y.account, p.account)
  FROM (SELECT 'rebate_paid:' || y.batch_id AS reference, 'rebate:' || t.market || '/' || t.account_id AS account,
          SUM(y.amount_minor) AS amount
        FROM rebate_payment y JOIN rebate_ticket t ON t.ticket_id = y.ticket_id
        GROUP BY y.batch_id, t.market, t.account_id) y
  FULL OUTER JOIN (SELECT reference, credit AS account, SUM(amount_minor) AS amount FROM posting
                   WHERE debit LIKE 'pot:%' AND credit LIKE 'rebate:%' GROUP BY reference, credit) p
    ON p.reference = y.reference AND p.account = y.account
  WHERE p.amount IS NULL OR y.amount IS NULL OR p.amount <> y.amount
UNION ALL SELECT 'R7 withdrawal without its payout', w.withdrawal_id, w.state
  FROM rebate_withdrawal w LEFT JOIN payout o ON o.payout_id = w.payout_id
  WHERE (w.state = 'confirmed') <> (o.payout_id IS NOT NULL)
    OR o.amount_minor <> w.amount_minor OR o.shopper_id <> w.account_id OR o.currency <> w.currency
UNION ALL SELECT 'R8 in line, or paid, before its own commission is in the pot', t.ticket_id, COALESCE(f.state, '')
  FROM rebate_ticket t LEFT JOIN rebate_feed f ON f.source = t.source
  WHERE ((t.queue_no IS NOT NULL OR t.paid_minor > 0) AND COALESCE(f.state, '') NOT IN ('fed', 'returned'))
    OR (t.state <> 'refunded' AND (t.queue_no IS NULL) <> (t.state IN ('unfed', 'resting')))
UNION ALL SELECT 'R9 fed with commissions that are owed', s.merchant_id, s.currency
  FROM (SELECT k.merchant_id, k.currency, SUM(k.share) AS share,
          SUM(CASE WHEN f.state = 'fed' THEN k.share ELSE 0 END) AS fed
        FROM kept_sale k LEFT JOIN rebate_feed f ON f.source = 'counter:' || k.sale_id
        GROUP BY k.merchant_id, k.currency) s
  JOIN ledger_balance b ON b.account = 'due:' || s.merchant_id AND b.currency = s.currency
  WHERE s.fed > s.share + b.amount
UNION ALL SELECT 'R10 pot or rebate account moved by nothing that may', p.reference, p.debit || ' ' || p.credit
  FROM posting p
  LEFT JOIN rebate_batch b ON b.batch_id = SUBSTR(p.reference, 13) AND p.reference = 'rebate_paid:' || b.batch_id
  LEFT JOIN rebate_feed f ON f.source = SUBSTR(p.reference, 14) AND p.reference = 'rebate_unfed:' || f.source
  LEFT JOIN rebate_ticket t ON t.ticket_id = SUBSTR(p.reference, 13, {ID_LENGTH}) AND p.reference LIKE 'rebate_back:%'
  LEFT JOIN payout o ON o.payout_id = SUBSTR(p.reference, 8) AND p.reference = 'payout:' || o.payout_id
  LEFT JOIN payout q ON q.payout_id = SUBSTR(p.reference, 15) AND p.reference = 'payout_failed:' || q.payout_id
  WHERE (p.debit LIKE 'pot:%' OR p.debit LIKE 'rebate:%' OR p.credit LIKE 'rebate:%') AND NOT COALESCE(
    (p.debit = 'pot:' || b.market AND p.credit LIKE 'rebate:%' AND p.currency = b.currency)
    OR (f.state = 'returned' AND p.debit = 'pot:' || f.market AND p.credit = 'fees:' || f.market
      AND p.currency = f.currency AND p.amount_minor <= f.amount_minor)
    OR (p.debit = 'rebate:' || t.market || '/' || t.account_id AND p.credit = 'pot:' || t.market
      AND p.currency = t.currency)
    OR (p.debit = 'rebate:' || o.market || '/' || o.shopper_id AND p.credit = 'psp:' || o.provider
      AND p.currency = o.currency AND p.amount_minor = o.amount_minor)
    OR (q.state = 'failed' AND p.credit = 'rebate:' || q.market || '/' || q.shopper_id
      AND p.debit = 'psp:' || q.provider AND p.currency = q.currency AND p.amount_minor = q.amount_minor), FALSE)
UNION ALL SELECT 'R11 given back other than the ledger says', t.ticket_id, CAST(t.returned_minor AS TEXT)
  FROM rebate_ticket t LEFT JOIN (SELECT SUBSTR(reference, 13, {ID_LENGTH}) AS ticket_id, SUM(amount_minor) AS amount
                                  FROM posting WHERE reference LIKE 'rebate_back:%'
                                  GROUP BY SUBSTR(reference, 13, {ID_LENGTH})) p ON p.ticket_id = t.ticket_id
  WHERE t.returned_minor <> COALESCE(p.amount, 0)
UNION ALL SELECT 'R12 line is miscounted', COALESCE(q.market, t.market), COALESCE(q.currency, t.currency)
  FROM rebate_queue q FULL OUTER JOIN (SELECT market, currency, MAX(queue_no) AS last_no,
      SUM(CASE WHEN state = 'waiting' THEN 1 ELSE 0 END) AS tickets,
      SUM(CASE WHEN state = 'waiting' THEN cap_minor - paid_minor ELSE 0 END) AS open_minor
    FROM rebate_ticket WHERE queue_no IS NOT NULL GROUP BY market, currency) t
    ON t.market = q.market AND t.currency = q.currency
  WHERE COALESCE(q.tickets, 0) <> COALESCE(t.tickets, 0) OR COALESCE(q.open_minor, 0) <> COALESCE(t.open_minor, 0)
    OR COALESCE(q.last_no, 0) <> COALESCE(t.last_no, 0)
UNION ALL SELECT 'G1 stock does not add up', l.listing_id,
    CAST(l.reserved AS TEXT) || ' reserved of ' || CAST(l.on_hand AS TEXT)
  FROM listing l LEFT JOIN
    (SELECT listing_id, COUNT(*) AS reserved FROM piece WHERE state = 'reserved' GROUP BY listing_id) p
    ON p.listing_id = l.listing_id
  WHERE l.reserved <> COALESCE(p.reserved, 0) OR l.on_hand < l.reserved OR l.reserved < 0
UNION ALL SELECT 'G2 one piece in two orders', n.piece_id, CAST(COUNT(*) AS TEXT)
  FROM order_line n JOIN orders o ON o.order_id = n.order_id
  WHERE o.state = 'unpaid' OR o.state = 'released' OR o.state IN ({HELD_STATES})
  GROUP BY n.piece_id HAVING COUNT(*) > 1
UNION ALL SELECT 'G4 reserved for nobody', p.piece_id, ''
  FROM piece p WHERE p.state = 'reserved'
    AND NOT EXISTS (SELECT 1 FROM reservation r WHERE r.piece_id = p.piece_id AND r.state = 'active')
    AND NOT EXISTS (SELECT 1 FROM order_line n JOIN orders o ON o.order_id = n.order_id
                    WHERE n.piece_id = p.piece_id AND o.state = 'unpaid')
UNION ALL SELECT 'P1 savings of a group differ from what its pledges were promised back', g.group_id,
    CAST(g.saving_minor AS TEXT)
  FROM group_order g LEFT JOIN (SELECT group_id, SUM(saving_minor) AS amount FROM pledge GROUP BY group_id) s
    ON s.group_id = g.group_id
  WHERE g.place = 'online' AND g.saving_minor <> COALESCE(s.amount, 0)
UNION ALL SELECT 'P1 promised back other than the saving and its tax', p.order_id, CAST(p.back_minor AS TEXT)
  FROM pledge p LEFT JOIN payment r ON r.payment_id = p.refund_id
  WHERE (p.refund_id IS NULL) <> (p.back_minor = 0) OR r.kind <> 'refund' OR r.order_id <> p.order_id
    OR r.amount_minor <> p.back_minor
UNION ALL SELECT 'P1 pledge paid with other than it came to', p.order_id, CAST(o.total_minor + p.back_minor AS TEXT)
  FROM pledge p JOIN orders o ON o.order_id = p.order_id JOIN payment y ON y.order_id = p.order_id
  WHERE y.kind = 'charge' AND y.amount_minor <> o.total_minor + p.back_minor
UNION ALL SELECT 'P2 pledge outlives its group', o.order_id, COALESCE(g.state, 'no group')
  FROM orders o LEFT JOIN pledge p ON p.order_id = o.order_id LEFT JOIN group_order g ON g.group_id = p.group_id
  WHERE (o.state = 'pledged' OR (o.state = 'unpaid' AND p.order_id IS NOT NULL)) AND COALESCE(g.state, '') <> 'open'
UNION ALL SELECT 'P3 shop was told of a pledge', o.order_id, c.type
  FROM orders o JOIN order_line n ON n.order_id = o.order_id JOIN shop_command c ON c.subject = n.parcel_id
  WHERE o.state = 'pledged'
UNION ALL SELECT 'P4 pledge of a failed group was not given back', o.order_id, o.state
  FROM orders o JOIN pledge p ON p.order_id = o.order_id JOIN group_order g ON g.group_id = p.group_id
  WHERE g.state = 'failed' AND o.state NOT IN ('cancelled', 'expired', 'refunded', 'charged_back')
UNION ALL SELECT 'P5 sold for good while its group is open', o.order_id, o.state
  FROM orders o JOIN pledge p ON p.order_id = o.order_id JOIN group_order g ON g.group_id = p.group_id
  WHERE g.state <> 'succeeded' AND o.state NOT IN ('unpaid', 'pledged', 'cancelled', 'expired', 'refunded',
    'charged_back')
UNION ALL SELECT 'W1 waits without a deadline', order_id, state FROM orders
  WHERE (due_at IS NULL AND state NOT IN ('pledged', {FINAL_STATES}))
    OR (due_at IS NOT NULL AND state IN ({FINAL_STATES}))
"""  # noqa: S608  # constants of this file; nothing from outside stands in it


def upgrade() -> None:
    is_sqlite = op.get_bind().dialect.name == "sqlite"
    for statement in SQLITE_TRANSFER if is_sqlite else POSTGRES_FUNCTIONS:
        op.execute(statement)
    for table in APPEND_ONLY:
        for verb in ("UPDATE", "DELETE"):
            name = f"{table}_{verb.lower()}"
            if is_sqlite:
                refusal = f"SELECT RAISE(ABORT, '{table}: money is inserted, never changed')"
                op.execute(f"CREATE TRIGGER {name} BEFORE {verb} ON {table} BEGIN {refusal}; END")
            else:
                refusal = "EXECUTE FUNCTION refuse_change()"
                op.execute(f"CREATE TRIGGER {name} BEFORE {verb} ON {table} FOR EACH ROW {refusal}")
    # exec_driver_sql: a LIKE pattern holds a percent sign, and a colon is no parameter here
    op.get_bind().exec_driver_sql(VIOLATIONS if is_sqlite else VIOLATIONS.replace("%", "%%"))
