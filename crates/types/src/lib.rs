//! Words everybody uses: money, currencies, ids, time, chance, secrets.
