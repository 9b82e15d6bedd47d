import Basics

/// Which client addresses may be recorded, limited and blacklisted.
struct NetworkPolicy: Sendable {
  /// Why a login from an address opens nothing.
  enum Unrecordable: String, Sendable {
    case loopback, unroutable, ownAddress = "own-address", proxy, webmail, gateway
    case privateNetwork = "private"
  }

  private let openSMTP: OpenSMTPSettings
  private let limits: LimitSettings
  /// Addresses of this host's interfaces.
  var ownAddresses: Set<IPAddress> = []
  /// Default gateways of the container this process runs in; empty outside containers.
  var gateways: Set<IPAddress> = []

  init(_ settings: RelaySettings) {
    openSMTP = settings.openSMTP
    limits = settings.limits
  }

  /// Whether an administrator named the address in `open-smtp.include-networks`.
  func isIncluded(_ address: IPAddress) -> Bool { openSMTP.includeNetworks.contains { $0.contains(address) } }

  /// Why logins from the address are not recorded; `nil` when they are.
  func unrecordable(_ address: IPAddress) -> Unrecordable? {
    if isIncluded(address) { return nil }
    if address.isLoopback { return .loopback }
    if address.isUnroutable { return .unroutable }
    if gateways.contains(address) { return .gateway }
    if ownAddresses.contains(address) { return .ownAddress }
    if openSMTP.proxyNetworks.contains(where: { $0.contains(address) }) { return .proxy }
    if openSMTP.webmailNetworks.contains(where: { $0.contains(address) }) { return .webmail }
    return address.isPrivate ? .privateNetwork : nil
  }

  /// Whether rates and the blacklist apply to the address.
  func isLimited(_ address: IPAddress) -> Bool {
    if limits.exemptNetworks.contains(where: { $0.contains(address) }) { return false }
    if limits.includeNetworks.contains(where: { $0.contains(address) }) { return true }
    return !(address.isLoopback || address.isPrivate || address.isUnroutable)
  }

  /// Whether the address lies in a network listed as shared.
  func isListedAsShared(_ address: IPAddress) -> Bool {
    openSMTP.sharedNetworks.contains { $0.contains(address) }
  }

  /// The network that stands for the client in every key.
  func clientNetwork(_ address: IPAddress) -> IPNetwork {
    address.clientNetwork(ipv6Prefix: openSMTP.clientPrefix)
  }
}
