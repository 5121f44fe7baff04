import { useState } from "react";

export function SmsConsent() {
  const [sms, setSms] = useState(false);
  const [notify, setNotify] = useState(true);
  return (
    <section>
      <label><Switch checked={sms} onChange={setSms} />接收商品推广短信(每月不超过2条,有效期一年,回复R拒收)</label>
      <label><Switch checked={notify} onChange={setNotify} />发货提醒</label>
    </section>
  );
}
