import Basics
import DNSResolver
import MailSyntax

/// Whether mail could be sent back to a sender: its domain has MX, A or AAAA (R49).
struct SenderDomainCheck {
  let host: SMTPHost
  let settings: SMTPServerSettings

  /// The refusal of a sender whose domain is not there; `nil` when it is, or need not be.
  func refusal(of sender: EmailAddress, raw: String) async throws -> SMTPReply? {
    let domain = sender.domain
    guard settings.checksSenderDomain, domain.literal == nil else { return nil }
    do {
      if host.senderDomains.isKnown(domain.ascii) { return nil }
      if try await host.rights.isHosted(domain) { return nil }
      guard try await lookUp(domain.ascii) else { return Self.nonExisting(sender, raw: raw) }
      host.senderDomains.note(domain.ascii, for: settings.senderDomainLifetime)
      return nil
    } catch is CancellationError {
      throw CancellationError()
    } catch {
      return Replies.senderDomainTimeout
    }
  }

  private struct TooSlow: Error {}

  /// Whether the domain takes mail; throws on a temporary failure and when the answers are not there in time.
  private func lookUp(_ domain: String) async throws -> Bool {
    let (resolver, time, limit) = (host.resolver, host.time, settings.senderDomainTimeout)
    return try await withThrowingTaskGroup(of: Bool.self) { group in
      group.addTask { try await Self.exists(domain, resolver) }
      group.addTask {
        try await time.sleep(for: limit)
        throw TooSlow()
      }
      defer { group.cancelAll() }
      return try await group.next() ?? false
    }
  }

  private static func exists(_ domain: String, _ resolver: any Resolving) async throws -> Bool {
    do {
      // A null MX (RFC 7505) says that no mail comes from here either (section 4.2).
      return try await !resolver.mx(domain).isNullMX
    } catch let failure as DNSFailure where !failure.isTemporary {
      // No MX: the address records stand in for it (RFC 5321 section 5.1).
      guard failure == .nodata else { return false }
    }
    do {
      _ = try await resolver.addresses(domain)
      return true
    } catch let failure as DNSFailure where !failure.isTemporary {
      return false
    }
  }

  /// The text of MESSAGES.md; a blank that the client left in the brackets is pointed at, being the usual cause.
  static func nonExisting(_ sender: EmailAddress, raw: String) -> SMTPReply {
    let blank = raw.last == " " || raw.first == " " ? " (there is a blank inside the brackets)" : ""
    return SMTPReply(
      553, "5.1.8", "Non-existing DNS_MX: MAIL FROM: <\(sender)>: \(sender.domain.ascii)\(blank) (#5.1.8)")
  }
}
