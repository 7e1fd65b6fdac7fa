using System.Text;
using CniPlugins.Linux;

namespace CniPlugins.Cni;

/// <summary>Answers one call of a runtime: environment, standard input, the plugin, standard output, exit code.</summary>
public static class PluginHost
{
    /// <summary>What the about line says: the version of this software.</summary>
    public static string ProductVersion => typeof(PluginHost).Assembly.GetName().Version!.ToString(3);

    /// <summary>Runs the plugin. The exit code: 0, or 1 with an error object on standard output.</summary>
    public static int Run(Plugin plugin, CniEnvironment environment)
    {
        try
        {
            return Answer(plugin, environment);
        }
        catch (Exception e)
        {
            return Fail(Map(e, environment), environment);
        }
    }

    private static int Answer(Plugin plugin, CniEnvironment environment)
    {
        if (environment.Find("CNI_COMMAND") is not { } command)
        {
            environment.WriteError(
                $"CNI {plugin.Type} plugin v{ProductVersion}\nCNI protocol versions supported: {string.Join(", ", plugin.Versions)}\n");
            return 0;
        }

        CniVerb verb = CniVerbs.Find(command) ?? throw new CniException(
            CniErrorCode.InvalidEnvironment, $"CNI_COMMAND \"{command}\" is unknown: use ADD, DEL, CHECK, STATUS, GC or VERSION");
        if (verb == CniVerb.Version)
        {
            // The newest version that is spoken here, whatever was asked; standard input is not read, as by the reference.
            Write(environment, VersionAnswer(plugin.Versions));
            return 0;
        }

        CniVariables.Require(verb, plugin.SharesHostNamespace, environment);
        CniRequest request = ReadRequest(plugin, verb, environment);
        bool ownNamespace = NamespaceGuard.IsOwnNamespace(plugin, request);
        switch (verb)
        {
            case CniVerb.Add:
                NamespaceGuard.RequireOther(ownNamespace, request);
                Add(plugin, request);
                break;
            case CniVerb.Delete:
                plugin.Delete(ownNamespace ? NamespaceGuard.WithoutNamespace(request) : request);
                NamespaceGuard.RequireOther(ownNamespace, request);
                break;
            case CniVerb.Check:
                Check(plugin, request);
                break;
            case CniVerb.Status:
                plugin.Status(request);
                break;
            default:
                plugin.Gc(request);
                break;
        }

        return 0;
    }

    private static CniRequest ReadRequest(Plugin plugin, CniVerb verb, CniEnvironment environment)
    {
        ReadOnlyMemory<byte> bytes = StandardInput.ReadAll(environment.Input, StandardInput.Limit(verb));
        NetworkConfig config = NetworkConfig.Parse(bytes, plugin.Versions, verb, environment.Warn);
        bool attached = verb is CniVerb.Add or CniVerb.Delete or CniVerb.Check;
        AttachmentId attachment = attached
            ? new AttachmentId(config.Name, environment.Find("CNI_CONTAINERID")!, environment.Find("CNI_IFNAME")!)
            : new AttachmentId(config.Name, "", "");
        return new CniRequest(verb, attachment, config, environment)
        {
            ValidAttachments = verb == CniVerb.Gc ? ValidAttachments.Read(config.Root) : [],
        };
    }

    private static void Add(Plugin plugin, CniRequest request)
    {
        AddResult result = plugin.Add(request);
        try
        {
            Write(request.Environment, ResultCodec.Write(result, request.Config.Version));
        }
        catch (Exception)
        {
            // The runtime sees a failed ADD (no answer, or a result that 0.2.0 cannot express): leave nothing behind.
            Undo(plugin, request);
            throw;
        }
    }

    private static void Undo(Plugin plugin, CniRequest request)
    {
        try
        {
            plugin.Delete(request);
        }
        catch (Exception e)
        {
            // The error that made this necessary is the one to report; the runtime's DEL comes back to the rest.
            request.Warn($"cleaning up after a failed ADD: {e.Message}");
        }
    }

    private static void Check(Plugin plugin, CniRequest request)
    {
        if (plugin.CheckNeedsPrevResult && request.Config.PrevResult is null)
        {
            throw new CniException(
                CniErrorCode.InvalidConfig,
                "CHECK needs prevResult: the runtime must send the result of the last ADD in the configuration");
        }

        plugin.Check(request);
    }

    private static byte[] VersionAnswer(IReadOnlyList<CniVersion> versions)
    {
        string list = string.Join("\",\"", versions);
        return Encoding.UTF8.GetBytes($"{{\"cniVersion\":\"{CniVersion.Newest}\",\"supportedVersions\":[\"{list}\"]}}\n");
    }

    // The one place where exceptions become codes.
    private static CniException Map(Exception exception, CniEnvironment environment)
    {
        switch (exception)
        {
            case CniException known:
                return known;
            case LinuxException linux:
                return new CniException(CniErrorCode.IoFailure, $"a system call failed: {linux.Message}", inner: linux);
            case IOException io:
                return new CniException(CniErrorCode.IoFailure, io.Message, inner: io);
            default:
                environment.WriteError(exception + "\n");
                return new CniException(
                    CniErrorCode.Internal,
                    $"an unexpected failure inside the plugin: {exception.Message} (the stack is on standard error; please report it)",
                    inner: exception);
        }
    }

    private static int Fail(CniException error, CniEnvironment environment)
    {
        try
        {
            Write(environment, ErrorText.Write(error));
        }
        catch (IOException e)
        {
            // Nobody reads standard output: the exit code says that it failed, the log says why.
            environment.Warn($"{error.Message} (and standard output: {e.Message})");
        }

        return 1;
    }

    private static void Write(CniEnvironment environment, byte[] text)
    {
        environment.Output.Write(text);
        environment.Output.Flush();
    }
}
