import Basics
import Configuration
import DNSResolver
import MailLog
import MailQueue
import MailStore
import MailSyntax
import RelayAccess
import Wire

#if canImport(Glibc)
  import Glibc
#endif

// How the configuration's sections become each room's own settings.

extension RelaySettings {
  init(_ configuration: Configuration) {
    self.init()
    node = configuration.hostname
    let leases = configuration.openSMTP
    openSMTP.enabled = leases.enabled
    openSMTP.helpURL = configuration.page("/help/sending")
    openSMTP.lifetime = leases.lifetime
    openSMTP.ipv6Prefix = leases.ipv6Prefix
    openSMTP.includeNetworks = leases.includeNetworks
    openSMTP.webmailNetworks = leases.webmailNetworks
    openSMTP.sharedNetworks = leases.sharedNetworks
    openSMTP.sharedPolicy = leases.sharedPolicy == "auth" ? .requireAuth : .shortLease
    openSMTP.listeners = Set(leases.listeners)
    openSMTP.senderPolicy = OpenSMTPSettings.SenderPolicy(rawValue: leases.senderPolicy) ?? .owned
    openSMTP.requireTLS = leases.requireTLS
    openSMTP.proxyNetworks = configuration.proxyNetworks
    popThrottle.delay = configuration.pop3.loginDelay
    popThrottle.burst = configuration.pop3.loginBurst
    popThrottle.accountOnly = configuration.pop3.throttleKey == "account"
    popThrottle.reply = PopThrottleSettings.Reply(rawValue: configuration.pop3.throttleReply) ?? .respCode
    limits.messagesPerMinute = configuration.limits.messagesPerMinute
    limits.unvalidatedPerMinute = configuration.limits.unvalidatedPerMinute
    limits.exemptNetworks = configuration.limits.exemptNetworks
    limits.includeNetworks = configuration.limits.includeNetworks
    limits.strikes = configuration.limits.strikes
    limits.terms = configuration.limits.blacklistTerms
    limits.overrunTarget = LimitSettings.OverrunTarget(rawValue: configuration.limits.overrunTarget) ?? .ip
    limits.silence = LimitSettings.SilenceMode(rawValue: configuration.limits.silence) ?? .silent
    limits.counting = LimitSettings.Counting(rawValue: configuration.limits.count) ?? .messages
    limits.selfLiftInterval = configuration.limits.selfLift
    limits.silenceDuration = configuration.limits.silenceTime
    validation.scope = ValidationSettings.Scope(rawValue: configuration.limits.unvalidatedScope) ?? .clients
    validation.ownNames = Set([configuration.hostname.lowercased()] + configuration.tls.hosts.keys)
    if let known = configuration.limits.wellKnownDomains {
      validation.wellKnown = Set(known.map { (try? MailDomain($0))?.ascii ?? $0 })
    }
    limits.silentConnections = max(1, configuration.limits.connections / 100)
  }
}

extension MailStoreSettings {
  init(_ configuration: Configuration, _ folder: DataFolder) {
    self.init(hostname: configuration.hostname, templateDirectory: configuration.storage.template)
    fileThreads = configuration.storage.threads
    viewCacheBytes = Int(clamping: configuration.storage.cache)
    undelete = configuration.storage.undelete == .zero ? nil : configuration.storage.undelete
    undeleteBytes = configuration.storage.undeleteSize
    textIndex = configuration.storage.textIndex
    textMessageBytes = Int(clamping: configuration.storage.textIndexMessage)
    textIndexBytes = configuration.storage.textIndexSize
    quotaWarningPercent = configuration.storage.quotaWarning
  }
}

extension MailQueueSettings {
  init(_ configuration: Configuration, _ folder: DataFolder) {
    self.init(directory: folder.queue)
    lifetime = configuration.queue.lifetime
    fileThreads = configuration.storage.threads
  }
}

extension MailLogSettings {
  init(_ configuration: Configuration) {
    self.init()
    retention = configuration.log.retention
    events = configuration.log.events
  }
}

extension WireSettings {
  init(_ configuration: Configuration) {
    self.init()
    connections = configuration.limits.connections
    connectionsPerAddress = configuration.limits.connectionsPerAddress
    pendingPerAddress = min(pendingPerAddress, connectionsPerAddress)
    exemptNetworks = configuration.limits.exemptNetworks
    timeBeforeLogin = configuration.limits.loginTime
  }
}

extension FailedLoginSettings {
  init(_ configuration: Configuration) {
    self.init()
    failuresPerMinute = configuration.limits.failedLoginsPerMinute
    exemptNetworks = configuration.limits.exemptNetworks
  }
}

extension ResolverSettings {
  init(_ configuration: Configuration) {
    self.init(
      servers: configuration.dns.servers.map(\.description),
      trustAnchorFile: configuration.dns.trustAnchor ?? Self.systemAnchor(configuration))
  }

  /// The root's key as the distribution keeps it.
  ///
  /// Named servers may cut signatures off, so that behind them a host must
  /// ask for validation.
  private static func systemAnchor(_ configuration: Configuration) -> String? {
    guard configuration.dns.servers.isEmpty, configuration.dns.validates else { return nil }
    return ["/usr/share/dns/root.key", "/var/lib/unbound/root.key"].first { access($0, R_OK) == 0 }
  }
}
