import Basics
import DNSResolver
import MailSyntax

/// Asks the blocklists about a client, all at once; a list that does not answer lists nobody.
struct BlocklistCheck: Sendable {
  let resolver: any Resolving
  let time: any TimeSource
  let lists: [Blocklist]
  let limit: Duration

  /// The refusal of a listed client, by the first list that says so.
  func refusal(of peer: IPAddress) async -> SMTPReply? {
    await withTaskGroup(of: SMTPReply??.self) { group in
      for list in lists { group.addTask { .some(await ask(list, peer)) } }
      group.addTask { [time, limit] in
        try? await time.sleep(for: limit)
        return .none
      }
      defer { group.cancelAll() }
      var waiting = lists.count
      while waiting > 0, let answer = await group.next() {
        // The clock's own end: whoever has not answered by now does not count.
        guard let answer else { return nil }
        if let answer { return answer }
        waiting -= 1
      }
      return nil
    }
  }

  private func ask(_ list: Blocklist, _ peer: IPAddress) async -> SMTPReply? {
    let name = list.name(for: peer)
    guard let answers = try? await resolver.ipv4(name).records, answers.contains(where: list.isListing) else {
      return nil
    }
    let text = (try? await resolver.txt(name).records.first).flatMap { $0 }.map(Self.clean) ?? ""
    return SMTPReply(
      554, "5.7.1",
      "Service unavailable; client [\(peer)] blocked using \(list.zone)\(text.isEmpty ? "" : "; \(text)") (#5.7.1)")
  }

  /// A list's words, fit for one line of a reply.
  private static func clean(_ octets: [UInt8]) -> String {
    String(decoding: octets.prefix(200).map { (0x20...0x7e).contains($0) ? $0 : 0x3f }, as: UTF8.self)
  }
}

extension SMTPServerSession {
  /// The refusal of a stranger on port 25 whom a blocklist names, asked once in a session (R87).
  ///
  /// Never for clients with a right to send, nor for mail to postmaster, who is how the listed complain.
  func blocklistRefusal(for recipient: EmailAddress) async throws -> SMTPReply? {
    guard role == .smtp, sender == nil, transaction?.right == nil, !settings.blocklists.isEmpty,
      recipient.localPart.lowercased() != "postmaster", !host.rights.isTrusted(connection.peer)
    else { return nil }
    if let known = blocklisting { return known.refusal }
    let hasLease = try await guarded {
      try await host.rights.hasLease(peer: connection.peer, listener: connection.listener)
    }
    if hasLease == true { return nil }
    let check = BlocklistCheck(
      resolver: host.resolver, time: host.time, lists: settings.blocklists, limit: settings.blocklistTimeout)
    let refusal = await check.refusal(of: connection.peer)
    if let refusal { connection.log.notice("blocklisted", metadata: ["reply": "\(refusal.text)"]) }
    blocklisting = (refusal: refusal, true)
    return refusal
  }
}
