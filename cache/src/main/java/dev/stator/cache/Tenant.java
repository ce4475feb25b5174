package dev.stator.cache;

/**
 * Who has a block stored.
 *
 * @param name tells tenants apart; no secret may be in it
 * @param percent of the tier: while the tier is full, blocks beyond it make room for others, and
 *     its own new blocks take the place of its old ones. 100: no limit
 */
public record Tenant(String name, int percent) {
    /** No limit. */
    public static final int ALL = 100;

    /** What nobody asked for, such as what an operator imports. */
    public static final Tenant NOBODY = new Tenant("", ALL);

    public Tenant {
        if (percent < 0 || percent > ALL) {
            throw new IllegalArgumentException(
                    "a tenant may have 0 to 100 percent of a tier, not " + percent);
        }
    }

    /** The most of so many slots that it may keep from others. */
    public int quota(int slots) {
        return percent == ALL
                ? Integer.MAX_VALUE
                : (int) Math.ceilDiv((long) slots * percent, (long) ALL);
    }
}
