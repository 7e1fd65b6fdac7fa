using CniPlugins.Linux;

namespace CniPlugins.Attachments;

/// <summary>
/// The state directory while an ADD or a DEL works with it: held together with others of their kind. Whoever removes what is shared, or puts back what
/// others took away, holds it alone, and so sees no attachment half made or half removed.
/// </summary>
internal sealed class StateUse : IDisposable
{
    private readonly Host _host;
    private FileLock? _lock;

    private StateUse(Host host)
    {
        _host = host;
        _lock = host.Records.LockShared();
    }

    /// <summary>Waits for whoever has the state alone.</summary>
    /// <exception cref="LinuxException">The file cannot be opened or locked.</exception>
    public static StateUse Begin(Host host)
    {
        // A process that holds it twice would wait for itself in Alone.
        if (host.Use is not null)
        {
            throw new InvalidOperationException("the state is in use by this process already");
        }

        return host.Use = new StateUse(host);
    }

    /// <summary>
    /// Does something alone, and goes on together with others. In between, another may have it alone; the record of the attachment is there all the time, so that
    /// nothing is taken for unused.
    /// </summary>
    /// <exception cref="LinuxException">The file cannot be opened or locked.</exception>
    public void Alone(Action action)
    {
        _lock?.Dispose();
        _lock = null;
        using (_host.Records.LockExclusive())
        {
            action();
        }

        _lock = _host.Records.LockShared();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _lock?.Dispose();
        _lock = null;
        _host.Use = null;
    }
}
