import Basics
import DNSResolver

/// Looks names up as other servers will: MX, addresses, SPF, DMARC, reverse names, blacklists.
package struct NameProbe: Sendable {
  private let resolver: any Resolving
  private let patient: Patient

  /// Public blacklists that are asked when none are named.
  package static let blacklists = ["zen.spamhaus.org", "bl.spamcop.net", "b.barracudacentral.org", "psbl.surriel.com"]

  /// Makes a probe.
  package init(resolver: any Resolving, patient: Patient) {
    self.resolver = resolver
    self.patient = patient
  }

  // MARK: dns

  /// The host's own name, then each domain: name servers, MX and what they point to, SPF, DMARC (R48, R65, R81).
  package func names() async -> [Finding] {
    var findings = [await address(patient.hostname, "hostname")]
    for domain in patient.domains {
      findings += await servers(domain)
      findings += await exchangers(domain)
      findings.append(await senderPolicy(domain))
      findings.append(await receiverPolicy(domain))
    }
    return findings
  }

  private func address(_ host: String, _ role: String) async -> Finding {
    do {
      let found = try await resolver.addresses(host).records.map { "\($0)" }
      return Finding("dns", "A/AAAA \(host)", .ok, found.joined(separator: " "))
    } catch let failure as DNSFailure {
      return Finding(
        "dns", "A/AAAA \(host)", failure.isTemporary ? .unknown : .failed, "\(failure)",
        remedy: failure.isTemporary ? "" : "give \(host) (\(role)) an address in its zone before it is used")
    } catch {
      return Finding("dns", "A/AAAA \(host)", .unknown, "\(error)")
    }
  }

  private func servers(_ domain: String) async -> [Finding] {
    do {
      let names = try await resolver.ns(domain).records
      var findings: [Finding] = []
      for name in names.sorted() {
        let found = await address(name, "a name server of \(domain)")
        if found.state != .ok { findings.append(found) }
      }
      return [Finding("dns", "NS \(domain)", .ok, names.sorted().joined(separator: " "))] + findings
    } catch let failure as DNSFailure where failure == .nodata {
      // The domain lies in a zone above it.
      return []
    } catch {
      let isMissing = (error as? DNSFailure) == .nxdomain
      return [
        Finding(
          "dns", "NS \(domain)", isMissing ? .failed : .unknown, "\(error)",
          remedy: isMissing ? "register \(domain), or remove it here: martinet domain rm \(domain)" : "")
      ]
    }
  }

  /// As `dig +short domain MX` shows them, and whether each can be reached and is ours.
  private func exchangers(_ domain: String) async -> [Finding] {
    let remedy = "add to the zone: \(domain). IN MX 10 \(patient.hostname)."
    do {
      let answer = try await resolver.mx(domain)
      if answer.isNullMX {
        return [Finding("dns", "MX \(domain)", .failed, "0 . (the domain says it takes no mail)", remedy: remedy)]
      }
      let records = answer.records.sorted { ($0.preference, $0.host) < ($1.preference, $1.host) }
      let shown = records.map { "\($0.preference) \($0.host)." }.joined(separator: ", ")
      var isOurs = records.contains { $0.host == patient.hostname }
      var findings: [Finding] = []
      for record in records {
        let found = await address(record.host, "an MX of \(domain)")
        if found.state == .ok {
          isOurs = isOurs || found.text.split(separator: " ").contains { patient.addresses.contains(String($0)) }
        }
        findings.append(found)
      }
      let first = Finding(
        "dns", "MX \(domain)", isOurs ? .ok : .warning, isOurs ? shown : "\(shown): none of them is this host",
        remedy: isOurs ? "" : remedy)
      return [first] + findings
    } catch let failure as DNSFailure {
      return [
        Finding(
          "dns", "MX \(domain)", failure.isTemporary ? .unknown : .failed, "\(failure)",
          remedy: failure.isTemporary ? "" : remedy)
      ]
    } catch {
      return [Finding("dns", "MX \(domain)", .unknown, "\(error)")]
    }
  }

  private func senderPolicy(_ domain: String) async -> Finding {
    let wanted = DomainRecords.senderPolicy(patient)
    let remedy = "one TXT record: \(domain). IN TXT \"\(wanted)\""
    do {
      let all = try await resolver.txt(domain).records.map { String(decoding: $0, as: UTF8.self) }
      let policies = all.filter { $0.lowercased() == "v=spf1" || $0.lowercased().hasPrefix("v=spf1 ") }
      guard let policy = policies.first else {
        return Finding("dns", "SPF \(domain)", .warning, "no v=spf1 record", remedy: remedy)
      }
      guard policies.count == 1 else {
        return Finding(
          "dns", "SPF \(domain)", .failed, "\(policies.count) SPF records; only one may be", remedy: remedy)
      }
      let terms = Set(policy.lowercased().split(separator: " ").map(String.init))
      let ours: [String] =
        ["mx", "+mx", "a:\(patient.hostname)", "+a:\(patient.hostname)"]
        + patient.addresses.flatMap { ["ip4:\($0)", "ip6:\($0)"] }
        + (patient.smarthostSPF.map { ["include:\($0)"] } ?? [])
      guard !terms.isDisjoint(with: ours) else {
        return Finding("dns", "SPF \(domain)", .warning, "\(policy): does not name this host", remedy: remedy)
      }
      return Finding("dns", "SPF \(domain)", .ok, policy)
    } catch {
      return missing("SPF \(domain)", error, "no v=spf1 record", remedy)
    }
  }

  private func receiverPolicy(_ domain: String) async -> Finding {
    let remedy = "_dmarc.\(domain). IN TXT \"\(DomainRecords.receiverPolicy(domain))\""
    do {
      let all = try await resolver.txt("_dmarc.\(domain)").records.map { String(decoding: $0, as: UTF8.self) }
      guard let policy = all.first(where: { $0.lowercased().hasPrefix("v=dmarc1") }) else {
        return Finding("dns", "DMARC \(domain)", .warning, "no v=DMARC1 record", remedy: remedy)
      }
      return Finding("dns", "DMARC \(domain)", .ok, policy)
    } catch {
      return missing("DMARC \(domain)", error, "no v=DMARC1 record", remedy)
    }
  }

  private func missing(_ subject: String, _ error: any Error, _ text: String, _ remedy: String) -> Finding {
    guard let failure = error as? DNSFailure, !failure.isTemporary else {
      return Finding("dns", subject, .unknown, "\(error)")
    }
    return Finding("dns", subject, .warning, text, remedy: remedy)
  }

  // MARK: rdns

  /// Each address that mail is sent from: PTR, the name's address, and whether it is the EHLO name (R13, R14).
  package func reverse() async -> [Finding] {
    guard !patient.addresses.isEmpty else {
      return [Finding("rdns", patient.hostname, .unknown, "no public address was found; name them with --ip")]
    }
    var findings: [Finding] = []
    for text in patient.addresses {
      guard let address = IPAddress(text) else { continue }
      findings.append(await reverse(address))
    }
    return findings
  }

  private func reverse(_ address: IPAddress) async -> Finding {
    // Exactly the two values that a ticket to the provider needs.
    let remedy = "ask the owner of the address (the provider) to set: \(address) -> \(patient.hostname)"
    do {
      let names = try await resolver.ptr(address).records
      if names.contains(patient.hostname) {
        guard let back = try? await resolver.addresses(patient.hostname).records, back.contains(address) else {
          return Finding(
            "rdns", "\(address)", .failed, "\(patient.hostname) does not lead back to \(address)",
            remedy: "add to the zone: \(patient.hostname). IN \(address.bitWidth == 32 ? "A" : "AAAA") \(address)")
        }
        return Finding("rdns", "\(address)", .ok, patient.hostname)
      }
      return Finding(
        "rdns", "\(address)", .warning, "\(names.joined(separator: " ")), which is not the EHLO name", remedy: remedy)
    } catch let failure as DNSFailure where !failure.isTemporary {
      return Finding("rdns", "\(address)", .failed, "no reverse name", remedy: remedy)
    } catch {
      return Finding("rdns", "\(address)", .unknown, "\(error)")
    }
  }

  // MARK: dnsbl

  /// Each address on each list; `127.255.255.x` is a list's way to say that it does not answer (R70, R87).
  package func listings(_ zones: [String] = NameProbe.blacklists) async -> [Finding] {
    guard !patient.addresses.isEmpty else {
      return [Finding("dnsbl", patient.hostname, .unknown, "no public address was found; name them with --ip")]
    }
    var findings: [Finding] = []
    for text in patient.addresses {
      guard let address = IPAddress(text) else { continue }
      for zone in zones { findings.append(await listing(address, zone)) }
    }
    return findings
  }

  private func listing(_ address: IPAddress, _ zone: String) async -> Finding {
    let reversed = DNSResolver.reverseName(address).replacing(".in-addr.arpa", with: "").replacing(
      ".ip6.arpa", with: "")
    let subject = "\(address) \(zone)"
    do {
      let codes = try await resolver.ipv4("\(reversed).\(zone)").records.map { "\($0)" }
      if codes.contains(where: { $0.hasPrefix("127.255.255.") }) {
        return Finding(
          "dnsbl", subject, .unknown, "the list refuses to answer (\(codes.joined(separator: " ")))",
          remedy: "ask through a resolver of your own, not a public one (dns.servers)")
      }
      guard codes.allSatisfy({ $0.hasPrefix("127.") }) else {
        return Finding("dnsbl", subject, .unknown, "not an answer of a blacklist: \(codes.joined(separator: " "))")
      }
      if codes.contains("127.0.0.10") || codes.contains("127.0.0.11") {
        return Finding(
          "dnsbl", subject, .warning, "listed as a dynamic or end-user address (\(codes.joined(separator: " ")))",
          remedy: "send through a smarthost, or move to a fixed address with a reverse name of its own")
      }
      return Finding(
        "dnsbl", subject, .failed, "listed (\(codes.joined(separator: " ")))",
        remedy: "find what sent spam (martinet report spam), end it, then ask \(zone) for removal")
    } catch let failure as DNSFailure where !failure.isTemporary {
      return Finding("dnsbl", subject, .ok, "not listed")
    } catch {
      return Finding("dnsbl", subject, .unknown, "\(error)")
    }
  }
}
