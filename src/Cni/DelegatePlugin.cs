using CniPlugins.Linux;

namespace CniPlugins.Cni;

/// <summary>
/// Another plugin's executable, run with the same environment and configuration as this call: an IPAM plugin of somebody else, or
/// the next plugin of a meta plugin. Specification, section "Plugin Delegation".
/// </summary>
public sealed class DelegatePlugin
{
    private const int OutputLimit = 16 << 20;

    private readonly CniRequest _request;

    private DelegatePlugin(CniRequest request, string type, string path)
    {
        _request = request;
        Type = type;
        Path = path;
    }

    /// <summary>The plugin's type.</summary>
    public string Type { get; }

    /// <summary>The executable that was found.</summary>
    public string Path { get; }

    /// <summary>Looks a type up in CNI_PATH: the first regular file of that name.</summary>
    /// <exception cref="CniException">The type is empty or no file name (7), or no folder has it (7).</exception>
    public static DelegatePlugin Get(CniRequest request, string? type)
    {
        if (string.IsNullOrEmpty(type))
        {
            throw new CniException(
                CniErrorCode.InvalidConfig, "ipam.type is missing: name the plugin that manages addresses, such as host-local");
        }

        if (type.Contains('/') || type.Contains('\0') || type is "." or "..")
        {
            throw new CniException(
                CniErrorCode.InvalidConfig, $"\"{type}\" is no plugin name: '/' is not allowed, plugins are found in CNI_PATH");
        }

        string[] folders = (request.CniPath ?? "").Split(':', StringSplitOptions.RemoveEmptyEntries);
        foreach (string folder in folders)
        {
            string path = System.IO.Path.Combine(folder, type);
            if (File.Exists(path))
            {
                return new DelegatePlugin(request, type, path);
            }
        }

        throw new CniException(
            CniErrorCode.InvalidConfig,
            $"the plugin \"{type}\" is in no folder of CNI_PATH: install it there, or correct the type",
            $"CNI_PATH is {request.CniPath}");
    }

    /// <summary>ADD. The result is read in the version it carries. After a failure, run <see cref="Delete"/>.</summary>
    /// <param name="config">Its standard input; null for the configuration of this call.</param>
    /// <exception cref="CniException">The delegate's own error with its code, or what kept it from running.</exception>
    public AddResult Add(ReadOnlyMemory<byte>? config = null)
    {
        ChildResult child = Run(CniVerb.Add, config);
        try
        {
            return ResultCodec.Read(child.Output, _request.Config.Version);
        }
        catch (CniException e)
        {
            throw new CniException(
                e.Code, $"{Type} printed a result that cannot be used: {e.Message}", e.Details ?? DelegateErrors.Excerpt(child), e);
        }
    }

    /// <summary>DEL.</summary>
    /// <exception cref="CniException">The delegate's own error with its code, or what kept it from running.</exception>
    public void Delete(ReadOnlyMemory<byte>? config = null) => Run(CniVerb.Delete, config);

    /// <summary>CHECK.</summary>
    /// <exception cref="CniException">The delegate's own error with its code, or what kept it from running.</exception>
    public void Check(ReadOnlyMemory<byte>? config = null) => Run(CniVerb.Check, config);

    /// <summary>STATUS.</summary>
    /// <exception cref="CniException">The delegate's own error with its code, or what kept it from running.</exception>
    public void Status(ReadOnlyMemory<byte>? config = null) => Run(CniVerb.Status, config);

    /// <summary>GC.</summary>
    /// <exception cref="CniException">The delegate's own error with its code, or what kept it from running.</exception>
    public void Gc(ReadOnlyMemory<byte>? config = null) => Run(CniVerb.Gc, config);

    private ChildResult Run(CniVerb verb, ReadOnlyMemory<byte>? config)
    {
        ReadOnlyMemory<byte> input = config ?? _request.Config.Bytes;
        ChildResult child = Execute(Variables(verb), input);
        if (child.OutputExceeded)
        {
            throw new CniException(
                CniErrorCode.DecodingFailure,
                $"{Type} wrote more than {OutputLimit >> 20} MiB to standard output and was stopped: it is not a working CNI plugin");
        }

        return child.ExitCode == 0 ? child : throw DelegateErrors.Read(Type, verb, child);
    }

    private ChildResult Execute(List<string> variables, ReadOnlyMemory<byte> input)
    {
        // ETXTBSY: somebody is writing the file, most likely an update of the plugins. The reference waits six seconds in all.
        for (int wait = 20; ; wait *= 2)
        {
            try
            {
                return ChildProcess.Run(Path, variables, input, OutputLimit, _request.Environment.WriteError);
            }
            catch (LinuxException e) when (e.Errno == Errno.ETXTBSY && wait <= 2560)
            {
                Clock.Pause(TimeSpan.FromMilliseconds(wait));
            }
            catch (LinuxException e)
            {
                throw new CniException(
                    e.Errno == Errno.ETXTBSY ? CniErrorCode.TryAgainLater : CniErrorCode.IoFailure,
                    $"the plugin {Path} cannot be run: {LinuxException.Describe(e.Errno)}", e.Message, e);
            }
        }
    }

    private List<string> Variables(CniVerb verb)
    {
        List<string> variables = new(_request.Environment.Variables.Count + 1) { "CNI_COMMAND=" + verb.Word() };
        foreach ((string key, string value) in _request.Environment.Variables)
        {
            if (key == "CNI_COMMAND")
            {
                continue;
            }

            // A namespace that this call must not enter is none for the delegate either.
            variables.Add(key == "CNI_NETNS" ? $"{key}={_request.NetnsPath}" : $"{key}={value}");
        }

        return variables;
    }
}
