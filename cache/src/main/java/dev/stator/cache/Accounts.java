package dev.stator.cache;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;

/**
 * How many blocks each tenant has in a tier, by numbers that a block can have beside it. A tenant
 * without blocks is forgotten. Guarded by the tier's lock.
 */
final class Accounts {
    /** Tenants that are told apart; those who come when there are as many share one account. */
    static final int MOST = 1024;

    /** The account of all others. */
    private static final int REST = 0;

    private static final Comparator<Account> MOST_ABOVE_QUOTA =
            Comparator.comparingInt(Account::excess)
                    .reversed()
                    .thenComparingInt(account -> account.number);

    private final int slots;
    private final List<Account> all = new ArrayList<>();
    private final Map<String, Account> byName = new HashMap<>();
    private final Deque<Integer> free = new ArrayDeque<>();
    private final TreeSet<Account> above = new TreeSet<>(MOST_ABOVE_QUOTA);

    Accounts(int slots) {
        this.slots = slots;
        all.add(new Account(REST, "others", EvictionOrder.KINDS));
    }

    /** One more block is a tenant's; returns its account's number. */
    int charge(Tenant tenant) {
        Account account = byName.get(tenant.name());
        if (account == null) {
            account = open(tenant.name());
        }
        change(account, account.blocks + 1, tenant.quota(slots));
        return account.number;
    }

    /** One block less is. */
    void discharge(int number) {
        Account account = all.get(number);
        change(account, account.blocks - 1, account.quota);
        if (account.blocks == 0 && number != REST) {
            byName.remove(account.name);
            free.add(number);
        }
    }

    private Account open(String name) {
        if (byName.size() == MOST) {
            return all.get(REST);
        }
        int number = free.isEmpty() ? all.size() : free.remove();
        Account account = new Account(number, name, EvictionOrder.KINDS);
        if (number == all.size()) {
            all.add(account);
        } else {
            all.set(number, account);
        }
        byName.put(name, account);
        return account;
    }

    private void change(Account account, int blocks, int quota) {
        if (account.excess() > 0) {
            above.remove(account);
        }
        account.blocks = blocks;
        account.quota = quota;
        if (account.excess() > 0) {
            above.add(account);
        }
    }

    Account get(int number) {
        return all.get(number);
    }

    /** Those above their quotas, furthest first. */
    Iterable<Account> aboveQuota() {
        return above;
    }

    /** All that have blocks. */
    List<TenantUse> uses() {
        List<TenantUse> uses = new ArrayList<>();
        for (Account account : all) {
            if (account.blocks > 0) {
                uses.add(new TenantUse(account.name, account.blocks, account.quota));
            }
        }
        return uses;
    }

    /** Those that have blocks. */
    int size() {
        return byName.size() + (all.get(REST).blocks > 0 ? 1 : 0);
    }

    void checkIntegrity(Map<Integer, Integer> blocks) {
        for (Account account : all) {
            if (account.blocks != blocks.getOrDefault(account.number, 0)) {
                throw new IllegalStateException("the blocks of a tenant do not add up");
            }
            if (above.contains(account) != account.excess() > 0) {
                throw new IllegalStateException("a quota is not watched");
            }
            if (account.number != REST
                    && account.blocks > 0
                    && byName.get(account.name) != account) {
                throw new IllegalStateException("a tenant with blocks is forgotten");
            }
        }
        if (byName.size() + free.size() + 1 != all.size()) {
            throw new IllegalStateException("the tenants do not add up");
        }
    }
}
