using System.Net;

namespace CniPlugins.Ipam;

/// <summary>Gives out the addresses of a plan. All sets of a call are served under one lock, or none is.</summary>
public sealed class AddressAllocator
{
    private static readonly TimeSpan s_scanInterval = TimeSpan.FromSeconds(10);

    private readonly AddressPlan _plan;
    private readonly LeaseStore _store;

    /// <summary>Works on a store, which the caller disposes of.</summary>
    public AddressAllocator(AddressPlan plan, LeaseStore store)
    {
        _plan = plan;
        _store = store;
    }

    /// <summary>
    /// Leases one address from every set: a requested one where a set holds one, else the next free one after the address that was leased
    /// last, round the set's ranges, without gateways, and, while there are others, without addresses released a moment ago.
    /// </summary>
    /// <exception cref="AddressUnavailableException">A requested address cannot be had.</exception>
    /// <exception cref="LeaseExistsException">The owner has an address of a set already.</exception>
    /// <exception cref="PoolExhaustedException">A set has no free address.</exception>
    /// <exception cref="Linux.LinuxException">A lease file cannot be written.</exception>
    public IReadOnlyList<Lease> Allocate(LeaseOwner owner, params IReadOnlyList<IPAddress> requested)
    {
        UInt128?[] wanted = Assign(requested);
        LeaseText text = new(owner);
        using LeaseSession session = _store.Begin();
        List<UInt128> existing = session.List(text.Bytes);
        existing.AddRange(session.List(text.Legacy));

        List<Lease> leases = new(_plan.Sets.Count);
        try
        {
            for (int index = 0; index < _plan.Sets.Count; index++)
            {
                RangeSet set = _plan.Sets[index];
                UInt128 address = wanted[index] is UInt128 number
                    ? Reserve(session, index, number, owner, text)
                    : ReserveNext(session, index, existing, owner, text);
                AddressRange range = set.Ranges[set.IndexOf(address)];
                leases.Add(new Lease(AddressMath.ToAddress(address), range.Subnet.Length, range.Gateway, index));
            }
        }
        catch
        {
            GiveBack(session, text, leases);
            throw;
        }

        session.Commit();
        return leases;
    }

    /// <summary>Gives back all addresses of an owner, those outside the plan too, and says how many.</summary>
    /// <exception cref="Linux.LinuxException">A lease file cannot be removed.</exception>
    public int Release(LeaseOwner owner) => _store.Release(owner);

    /// <summary>Whether an owner has all of these addresses; without any, whether it has one at all.</summary>
    public bool Holds(LeaseOwner owner, params IReadOnlyCollection<IPAddress> addresses) => _store.Holds(owner, addresses);

    /// <summary>Gives back every lease whose owner is not valid any more and says how many; see <see cref="LeaseStore.Collect"/>.</summary>
    /// <exception cref="Linux.LinuxException">A lease file cannot be removed.</exception>
    public int Collect(Func<LeaseOwner, bool> isValid) => _store.Collect(isValid);

    /// <summary>The use of every set.</summary>
    public IReadOnlyList<PoolUse> GetUse()
    {
        using LeaseSession session = _store.Begin();
        List<PoolUse> use = new(_plan.Sets.Count);
        for (int index = 0; index < _plan.Sets.Count; index++)
        {
            use.Add(GetUse(session, index));
        }

        session.Commit();
        return use;
    }

    /// <summary>Undoes the earlier sets of a call that failed.</summary>
    private static void GiveBack(LeaseSession session, LeaseText text, List<Lease> leases)
    {
        foreach (Lease lease in leases)
        {
            try
            {
                session.Release(text.Bytes, AddressMath.ToNumber(lease.Address));
            }
            catch (Linux.LinuxException)
            {
                // What made the call fail is the better message; the runtime's DEL releases what is left.
            }
        }

        session.Commit();
    }

    /// <summary>Gives every set the first requested address that it holds; each must find one.</summary>
    private UInt128?[] Assign(IReadOnlyList<IPAddress> requested)
    {
        UInt128?[] wanted = new UInt128?[_plan.Sets.Count];
        foreach (IPAddress address in requested)
        {
            UInt128 number = AddressMath.ToNumber(address);
            int index = FindSet(number, wanted);
            if (index < 0)
            {
                throw Unplaced(number);
            }

            wanted[index] = number;
        }

        return wanted;
    }

    /// <summary>The set that holds an address and has no other request, or the same one; -1 when there is none.</summary>
    private int FindSet(UInt128 number, UInt128?[] wanted)
    {
        for (int index = 0; index < wanted.Length; index++)
        {
            if (_plan.Sets[index].IndexOf(number) >= 0)
            {
                // Runtimes pass one request by several ways at once: the same address twice is one request.
                return wanted[index] is null || wanted[index] == number ? index : -1;
            }
        }

        return -1;
    }

    private AddressUnavailableException Unplaced(UInt128 number)
    {
        string text = AddressText.Format(number);
        foreach (RangeSet set in _plan.Sets)
        {
            if (set.IndexOf(number) >= 0)
            {
                return new AddressUnavailableException(
                    AddressMath.ToAddress(number),
                    $"requested address {text} is one too many for range set {set}: a container gets one address from each set");
            }
        }

        return new AddressUnavailableException(
            AddressMath.ToAddress(number), $"requested address {text} is in none of the network's ranges ({string.Join("; ", _plan.Sets)})");
    }

    private UInt128 Reserve(LeaseSession session, int setIndex, UInt128 number, LeaseOwner owner, LeaseText text)
    {
        RangeSet set = _plan.Sets[setIndex];
        if (set.Ranges[set.IndexOf(number)].GatewayNumber == number)
        {
            throw new AddressUnavailableException(
                AddressMath.ToAddress(number), $"requested address {AddressText.Format(number)} is the gateway of its subnet");
        }

        if (session.TryReserve(number, text, setIndex) || (session.TryRecover(number) && session.TryReserve(number, text, setIndex)))
        {
            return number;
        }

        if (session.Holds(text, number))
        {
            throw new LeaseExistsException(owner, AddressMath.ToAddress(number));
        }

        throw new AddressUnavailableException(
            AddressMath.ToAddress(number),
            $"requested address {AddressText.Format(number)} is leased to another container",
            isLeased: true);
    }

    private UInt128 ReserveNext(LeaseSession session, int setIndex, List<UInt128> existing, LeaseOwner owner, LeaseText text)
    {
        foreach (UInt128 address in existing)
        {
            if (_plan.Sets[setIndex].IndexOf(address) >= 0)
            {
                throw new LeaseExistsException(owner, AddressMath.ToAddress(address));
            }
        }

        while (true)
        {
            UInt128? candidate = FindCandidate(session, setIndex);
            if (candidate is null)
            {
                // A file removed by hand, in the instant in which another call ended, shows only when all files are read.
                if (session.Index.WasScannedWithin(s_scanInterval))
                {
                    throw new PoolExhaustedException(GetUse(session, setIndex));
                }

                session.Index.Rebuild();
                continue;
            }

            if (session.TryReserve(candidate.Value, text, setIndex))
            {
                return candidate.Value;
            }

            // The index is wrong: read the files. If they do not tell either, go on without this address.
            if (session.Index.IsFresh)
            {
                session.Index.SetTaken(candidate.Value);
            }
            else
            {
                session.Index.Rebuild();
            }
        }
    }

    /// <summary>The next address in turn that is free and not held down; else the one that was released first; null when all are taken.</summary>
    private UInt128? FindCandidate(LeaseSession session, int setIndex)
    {
        UInt128? held = null;
        long heldSince = long.MaxValue;
        foreach ((AddressRange range, UInt128 first, UInt128 last) in Turn(_plan.Sets[setIndex], session.FindLastReserved(setIndex)))
        {
            UInt128? candidate = session.Index.FindFree(first, last);
            while (candidate is UInt128 address)
            {
                if (address != range.GatewayNumber)
                {
                    long? released = session.Index.FindHold(address);
                    if (released is null)
                    {
                        return address;
                    }

                    if (released < heldSince)
                    {
                        (held, heldSince) = (address, released.Value);
                    }
                }

                candidate = address == last ? null : session.Index.FindFree(address + 1, last);
            }
        }

        return held;
    }

    /// <summary>The set's addresses in the order in which they are tried: those after the last one, round to that one itself.</summary>
    private static IEnumerable<(AddressRange Range, UInt128 First, UInt128 Last)> Turn(RangeSet set, UInt128? lastReserved)
    {
        int current = lastReserved is null ? -1 : set.IndexOf(lastReserved.Value);
        if (current >= 0 && lastReserved < set.Ranges[current].Last)
        {
            yield return (set.Ranges[current], lastReserved!.Value + 1, set.Ranges[current].Last);
        }

        for (int step = 1; step <= set.Ranges.Count; step++)
        {
            AddressRange range = set.Ranges[(current + step + set.Ranges.Count) % set.Ranges.Count];
            bool isCurrent = current >= 0 && step == set.Ranges.Count;
            yield return (range, range.First, isCurrent ? lastReserved!.Value : range.Last);
        }
    }

    private PoolUse GetUse(LeaseSession session, int setIndex)
    {
        RangeSet set = _plan.Sets[setIndex];
        UInt128 taken = 0;
        foreach (AddressRange range in set.Ranges)
        {
            taken += (UInt128)session.Index.CountTaken(range.First, range.Last);
            if (range.Contains(range.GatewayNumber))
            {
                taken -= (UInt128)session.Index.CountTaken(range.GatewayNumber, range.GatewayNumber);
            }
        }

        return new PoolUse(setIndex, set.ToString(), set.Capacity(), set.Capacity() - taken);
    }
}
