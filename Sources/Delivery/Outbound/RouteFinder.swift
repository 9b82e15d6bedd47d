import Basics
import DNSResolver
import MailSyntax
import SMTPClient

/// Where to connect for a destination, in the order of trying, or why there is nowhere.
enum Route: Sendable {
  case endpoints([SMTPEndpoint])
  case failure(AttemptText)
}

/// As whom a session introduces itself: by the sender's domain, or the host's own.
struct SendingIdentity: Sendable, Equatable {
  /// The name for EHLO.
  var hello: String
  /// The addresses to send from, one of each family.
  var sources: [IPAddress]

  /// The local address for a remote one; `nil` lets the system choose.
  func source(for address: IPAddress) -> IPAddress? { sources.first { $0.bitWidth == address.bitWidth } }
}

/// Finds the servers of a destination: its own route, the smarthost, or the name system (RFC 5321 section 5.1).
struct RouteFinder: Sendable {
  let resolver: any Resolving
  let live: LiveSettings
  let own: OwnAddresses

  /// The settings as they are now.
  var settings: DeliverySettings { live.value }

  /// Destinations with the same key share connections and their concurrency.
  func key(_ destination: String) -> String {
    guard let host = smarthost(destination) else { return destination }
    return "\(host.host):\(host.port)"
  }

  /// The addresses to try for a destination.
  ///
  /// - Parameters:
  ///   - requireTLS: whether TLS with a certificate that fits is demanded (RFC 8689).
  ///   - waivesTLS: whether what the destination publishes about its TLS is passed over.
  func route(
    _ destination: String, as identity: SendingIdentity, requireTLS: Bool = false, waivesTLS: Bool = false
  ) async throws -> Route {
    if waivesTLS, settings.dane {
      var lax = settings
      lax.dane = false
      return try await RouteFinder(resolver: resolver, live: LiveSettings(lax), own: own).route(
        destination, as: identity, requireTLS: requireTLS)
    }
    if let host = smarthost(destination) {
      // A server the administrator named is trusted by its name; whether that is checked is in the settings.
      guard !requireTLS || (host.verifiesName && (host.tls == .required || host.tls == .implicit)) else {
        return .failure(.noRequiredTLS("the route to \(host.host) is not set to verified TLS"))
      }
      return try await route(host, identity)
    }
    if let domain = try? MailDomain(destination), let literal = domain.literal {
      return endpoints([Exchanger(name: destination, addresses: [literal])], identity, requireTLS)
    }
    let exchangers: DNSAnswer<MXRecord>
    do {
      exchangers = try await resolver.mx(destination)
    } catch DNSFailure.nodata {
      return try await implicit(destination, identity, requireTLS)
    } catch DNSFailure.nxdomain {
      return .failure(.noHost(destination))
    } catch is DNSFailure {
      return .failure(.aliasLookupFailed)
    }
    if exchangers.isNullMX { return .failure(.nullMX(destination)) }
    // RFC 8689 section 4.2.1: names that anybody may have put there prove nothing.
    guard !requireTLS || exchangers.secure else {
      return .failure(.noRequiredTLS("the mail exchangers of \(destination) are not protected by DNSSEC"))
    }
    var answer = exchangers
    answer.records.removeAll { $0.host.isEmpty }
    return try await explicit(answer, destination, identity, requireTLS)
  }

  /// The server that is named for a destination, its own or everybody's; `nil` where the name system decides.
  func smarthost(_ destination: String) -> Smarthost? {
    if !settings.routes.isEmpty, let domain = try? MailDomain(destination), let host = settings.routes[domain] {
      return host
    }
    return settings.smarthost
  }

  private func route(_ smarthost: Smarthost, _ identity: SendingIdentity) async throws -> Route {
    var addresses: [IPAddress] = []
    if let address = IPAddress(smarthost.host) {
      addresses = [address]
    } else {
      do {
        addresses = try await resolver.addresses(smarthost.host).records
      } catch let failure as DNSFailure {
        // The administrator's mistake or a passing fault: the mail waits for either to be mended.
        return .failure(.nameService(smarthost.host, "\(failure)", permanent: false))
      }
    }
    let verification: TLSVerification = smarthost.verifiesName ? .name(smarthost.host) : .none
    let credentials = smarthost.login.map { SMTPCredentials(login: $0, password: smarthost.password) }
    return .endpoints(
      addresses.prefix(settings.addressLimit).map { address in
        SMTPEndpoint(
          host: smarthost.host, address: address, port: smarthost.port, source: identity.source(for: address),
          helo: identity.hello,
          tls: smarthost.tls, verification: verification, credentials: credentials)
      })
  }

  /// No MX: the domain's own addresses stand for it.
  private func implicit(_ destination: String, _ identity: SendingIdentity, _ requireTLS: Bool) async throws -> Route {
    do {
      let addresses = try await resolver.addresses(destination)
      if addresses.records.contains(where: { own.contains($0, port: settings.remotePort) }) {
        return .failure(.pointsToUs)
      }
      switch try await exchanger(destination, addresses, nextHop: nil) {
      case .success(let exchanger): return endpoints([exchanger], identity, requireTLS)
      case .failure(let text): return .failure(text)
      }
    } catch DNSFailure.nodata {
      return .failure(.noExchanger)
    } catch DNSFailure.nxdomain {
      return .failure(.noHost(destination))
    } catch is DNSFailure {
      return .failure(.noHostForNow)
    }
  }

  private func explicit(
    _ answer: DNSAnswer<MXRecord>, _ destination: String, _ identity: SendingIdentity, _ requireTLS: Bool
  ) async throws -> Route {
    let exchangers = answer.records
    guard !exchangers.isEmpty else { return .failure(.noExchanger) }
    var hosts: [Exchanger] = []
    var fault: AttemptText?
    var ownPreference: UInt16?
    // The best ones are enough; a domain with hundreds of exchangers must not cost hundreds of questions.
    for exchanger in exchangers.prefix(settings.addressLimit * 2) {
      // Servers of equal or worse preference than ours would hand the mail back to us (RFC 5321 section 5.1).
      if let ownPreference, exchanger.preference >= ownPreference { break }
      do {
        let addresses = try await addresses(exchanger.host)
        if addresses.records.contains(where: { own.contains($0, port: settings.remotePort) }) {
          ownPreference = exchanger.preference
          hosts.removeAll { host in
            exchangers.contains { $0.host == host.name && $0.preference >= exchanger.preference }
          }
        } else {
          // Where anybody may have named the exchanger, its certificate need not know the domain (RFC 7672 section 3.2.2).
          switch try await self.exchanger(exchanger.host, addresses, nextHop: answer.secure ? destination : nil) {
          case .success(let host): hosts.append(host)
          case .failure(let text): fault = text
          }
        }
      } catch let failure as DNSFailure {
        let text = AttemptText.nameService(exchanger.host, "\(failure)", permanent: !failure.isTemporary)
        if fault == nil || failure.isTemporary { fault = text }
      }
    }
    if !hosts.isEmpty { return endpoints(hosts, identity, requireTLS) }
    if ownPreference != nil { return .failure(.pointsToUs) }
    return .failure(fault ?? .noExchanger)
  }

  private func addresses(_ host: String) async throws -> DNSAnswer<IPAddress> {
    // Some zones name an address where a host name belongs; most servers put up with it.
    if let literal = IPAddress(host) { return DNSAnswer([literal]) }
    return try await resolver.addresses(host)
  }

  /// A server of the destination.
  private struct Exchanger {
    var name: String
    var addresses: [IPAddress]
    /// What the name system says about its certificate.
    var dane: DANEPolicy?
  }

  /// A host with what is proven of its certificate, or why it must not be used now.
  ///
  /// - Parameter nextHop: the recipient's domain, where its exchangers are proven.
  private func exchanger(
    _ name: String, _ addresses: DNSAnswer<IPAddress>, nextHop: String?
  ) async throws -> Result<Exchanger, AttemptText> {
    var exchanger = Exchanger(name: name, addresses: addresses.records)
    guard settings.dane, settings.tls != .off else { return .success(exchanger) }
    let finder = DANEFinder(resolver: resolver, port: settings.remotePort)
    switch try await finder.find(name, addresses, nextHop: nextHop) {
    case .nothing: break
    case .policy(let policy): exchanger.dane = policy
    case .unanswered(let name, let failure):
      return .failure(.nameService(name, "\(failure)", permanent: false))
    }
    return .success(exchanger)
  }

  private func endpoints(_ hosts: [Exchanger], _ identity: SendingIdentity, _ requireTLS: Bool) -> Route {
    let pairs = hosts.flatMap { host in host.addresses.map { (host, $0) } }
    guard !pairs.isEmpty else { return .failure(.noExchanger) }
    return .endpoints(
      pairs.prefix(settings.addressLimit).map { host, address in
        var verification: TLSVerification = requireTLS ? .name(host.name) : .none
        if let dane = host.dane, dane.isAuthenticating || !requireTLS { verification = .dane(dane) }
        return SMTPEndpoint(
          host: host.name, address: address, port: settings.remotePort, source: identity.source(for: address),
          helo: identity.hello, tls: requireTLS || host.dane != nil ? .required : settings.tls,
          verification: verification)
      })
  }
}
