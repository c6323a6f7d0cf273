"""Opens a chart of a running Superset in headless Chromium and keeps what it shows: shot.py SUPERSET-URL CHART FILE.png"""

import sys
import time

from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait

base, chart, file = sys.argv[1:4]
options = webdriver.ChromeOptions()
for option in ("--headless=new", "--no-sandbox", "--disable-gpu", "--window-size=1400,900"):
    options.add_argument(option)
driver = webdriver.Chrome(options=options, service=webdriver.ChromeService("/usr/bin/chromedriver"))
try:
    driver.get(f"{base}/login/")
    wait = WebDriverWait(driver, 240)
    wait.until(lambda d: d.find_elements(By.ID, "username"))
    driver.find_element(By.ID, "username").send_keys("admin")
    driver.find_element(By.ID, "password").send_keys("admin\n")
    wait.until(lambda d: "/login" not in d.current_url)
    driver.get(f"{base}/explore/?slice_id={chart}")
    wait.until(lambda d: d.find_elements(By.CSS_SELECTOR, "canvas") or d.find_elements(By.CSS_SELECTOR, "[role=alert]"))
    # The bars grow.
    time.sleep(4)
    driver.save_screenshot(file)
    errors = [e.text for e in driver.find_elements(By.CSS_SELECTOR, "[role=alert]") if e.text]
    print("canvas" if driver.find_elements(By.CSS_SELECTOR, "canvas") else "no canvas", errors)
finally:
    driver.quit()
