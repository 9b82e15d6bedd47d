import Accounts
import MailLog
import RelayAccess

// What the mail log hears of logins, leases, limits and outgoing connections.
extension RunningHost {
  /// Connects the rooms' notices to the mail log.
  func followNotices() {
    let log = rooms.mailLog
    rooms.accounts.observeLogins { notice in
      let metric: MailCount.Metric = notice.isRight ? .login : .failedLogin
      log.count(MailCount(metric, name: notice.login, detail: notice.service.rawValue))
    }
    rooms.relay.observe { notice in
      switch notice {
      case .throttled(let account): log.count(MailCount(.throttled, name: account))
      case .lease(let account, let net): log.count(MailCount(.lease, name: account, detail: "\(net)"))
      case .limit(let owner, let limit): log.count(MailCount(.limit, name: owner, detail: limit))
      }
    }
  }

  /// Counts the deliveries under way once a minute, from which reports make averages.
  func sampleLoad() async {
    await cancelWhenGracefulShutdown {
      while !Task.isCancelled {
        do { try await self.time.sleep(for: .seconds(60)) } catch { return }
        let load = await self.delivery.load()
        self.rooms.mailLog.count(MailCount(.outboundOpen, name: "sum"), load.attempts)
        self.rooms.mailLog.count(MailCount(.outboundOpen, name: "samples"))
      }
    }
  }
}
