import Accounts
import MailSyntax

/// What a recipient leads to: mailboxes here, addresses elsewhere, or reasons why not.
struct RecipientExpansion: Sendable {
  /// A mailbox, and the address that led to it.
  struct Mailbox: Sendable {
    var account: Account
    /// For `Delivered-To:`.
    var address: EmailAddress
  }
  /// An address elsewhere, and the alias that forwards to it; `nil` when the recipient itself is elsewhere.
  struct Outside: Sendable {
    var address: EmailAddress
    var alias: EmailAddress?
  }

  var mailboxes: [Mailbox] = []
  var outside: [Outside] = []
  /// Whether a catch-all takes and drops it.
  var isDiscarded = false
  /// Reasons for the branches that lead nowhere.
  var refusals: [SMTPReply] = []
  /// Whether the recipient is an address of another host, with no alias between.
  var isRemote = false

  /// Whether the message has somewhere to go.
  var isDeliverable: Bool { !mailboxes.isEmpty || !outside.isEmpty || isDiscarded }
}

/// Follows aliases, forwards, catch-alls and rewritten senders to their ends, within bounds.
struct RecipientExpander: Sendable {
  let directory: any RecipientDirectory
  let rewriter: SenderRewriter?
  let depthLimit: Int
  let targetLimit: Int

  /// Expands one recipient; throws what the directory throws.
  func expand(_ recipient: EmailAddress) async throws -> RecipientExpansion {
    var expansion = RecipientExpansion()
    var seen: Set<String> = [recipient.key]
    var accounts: Set<Int64> = []
    var outside: Set<String> = []
    var waiting: [(address: EmailAddress, alias: EmailAddress?, depth: Int)] = [(recipient, nil, 0)]
    var looped = false
    while let step = waiting.popLast() {
      switch try await directory.match(recipient: step.address) {
      case .notHosted:
        if let target = bounceTarget(step.address) {
          if outside.insert(target.key).inserted {
            expansion.outside.append(.init(address: target, alias: step.address))
          }
        } else if outside.insert(step.address.key).inserted {
          expansion.outside.append(.init(address: step.address, alias: step.alias))
          expansion.isRemote = step.depth == 0
        }
      case .mailbox(let account):
        if accounts.insert(account.id).inserted {
          expansion.mailboxes.append(.init(account: account, address: step.address))
        }
      case .forward(let targets, let alias):
        guard step.depth < depthLimit, seen.count + targets.count <= targetLimit else {
          expansion.refusals.append(RecipientTexts.tooManyTargets)
          continue
        }
        for target in targets.reversed() {
          if seen.insert(target.key).inserted {
            waiting.append((target, alias, step.depth + 1))
          } else {
            looped = true
          }
        }
      case .discard:
        expansion.isDiscarded = true
      case .noMailbox:
        if let target = bounceTarget(step.address) {
          if outside.insert(target.key).inserted {
            expansion.outside.append(.init(address: target, alias: step.address))
          }
        } else {
          expansion.refusals.append(RecipientTexts.noMailbox)
        }
      case .suspended(let account):
        expansion.refusals.append(RecipientTexts.suspended(account.address))
      }
    }
    if looped, !expansion.isDeliverable, expansion.refusals.isEmpty {
      expansion.refusals.append(RecipientTexts.aliasLoop)
    }
    return expansion
  }

  /// The sender behind an address of our own rewriting, so that bounces of forwarded mail find home.
  private func bounceTarget(_ address: EmailAddress) -> EmailAddress? { rewriter?.original(of: address) }
}
